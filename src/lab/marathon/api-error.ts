// pure
import type { Dialect } from './dialect.ts';

/** An answer other than success: thrown by the model, written by the server. The body is sent as JSON. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: { message: string; details?: unknown; deployments?: { id: string }[] }) {
    super(body.message);
    this.status = status;
    this.body = body;
  }
}

/** One broken rule: where, and what is wrong with it. */
export interface Violation {
  path: string;
  errors: string[];
}

export const notFound = (kind: 'App' | 'Group' | 'Task', id: string) =>
  new ApiError(404, { message: `${kind} '${id}' does not exist` });

/** 422 of a body that is JSON of the right types but breaks a rule. */
export const notValid = (details: Violation[]) =>
  new ApiError(422, { message: 'Object is not valid', details });

/** A body with a wrong type somewhere: 422, up to 1.4 400. */
export const wrongTypes = (details: Violation[], { typeErrorStatus }: Pick<Dialect, 'typeErrorStatus'>) =>
  new ApiError(typeErrorStatus, { message: 'Invalid JSON', details });

/** 409 of a write that touches an app of a running deployment. The text is Marathon's, letter by letter.
 * @source S/Exception.scala, AppLockedException */
export const locked = (deploymentIds: string[]) =>
  new ApiError(409, {
    message:
      'App is locked by one or more deployments. ' +
      "Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
    deployments: deploymentIds.map((id) => ({ id })),
  });
