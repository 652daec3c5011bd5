// pure
import { ApiError, notValid, type Violation } from './api-error.ts';
import { type App, isHostMode, portWishes } from './app.ts';
import type { Dialect } from './dialect.ts';
import { problemOfAppId } from './ids.ts';
import type { AppUpdate } from './schema.ts';

const OPERATORS = new Set(['UNIQUE', 'CLUSTER', 'GROUP_BY', 'LIKE', 'UNLIKE', 'MAX_PER', 'IS']);

/** The rules that a whole app must keep. @throws ApiError 422 that lists every broken one
 * @source S/api/v2/validation/AppValidation.scala */
export function validateApp(app: App, dialect: Dialect): App {
  const found: Violation[] = [];
  const broken = (path: string, error: string) => found.push({ path, errors: [error] });

  const idProblem = problemOfAppId(app.id, dialect);
  if (idProblem) broken('/id', idProblem);
  if (app.cmd !== undefined && app.args !== undefined && app.args.length > 0)
    broken('/', "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.");
  else if (!app.cmd && !(app.args && app.args.length > 0) && !app.container?.docker)
    broken('/', "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.");
  if (app.cmd && app.cmd.length < dialect.shortestCmd) broken('/cmd', 'must have a length of at least 2');
  for (const field of ['instances', 'cpus', 'mem', 'disk', 'gpus'] as const)
    if (app[field] < 0) broken(`/${field}`, `got ${app[field]}, expected 0 or more`);
  for (const share of ['minimumHealthCapacity', 'maximumOverCapacity'] as const) {
    const value = app.upgradeStrategy[share];
    if (value < 0 || value > 1)
      broken(`/upgradeStrategy/${share}`, `got ${decimal(value)}, expected between 0.0 and 1.0`);
  }
  validateEnv(app, broken);
  validateSingleInstance(app, broken);
  const ports = portWishes(app).length;
  app.healthChecks.forEach((check, index) => {
    if (check.protocol === 'COMMAND' && !check.command)
      broken(`/healthChecks(${index})/command`, 'undefined');
    if (check.protocol !== 'COMMAND' && check.port === undefined && (check.portIndex ?? 0) >= ports)
      broken(
        `/healthChecks(${index})/portIndex`,
        'Health check port indices must address an element of the ports array or container port mappings.',
      );
  });
  validateReadiness(app, broken);
  app.constraints.forEach((constraint, index) => {
    const operator = constraint[1] ?? '';
    if (!OPERATORS.has(operator) || (operator === 'IS' && !dialect.hasOperatorIs))
      broken(`/constraints(${index})`, `Invalid constraint operator: ${operator}`);
  });
  if (found.length > 0) throw notValid(found);
  return app;
}

/** `version` restores a stored definition and says nothing else.
 * @throws ApiError 422 when it stands beside other fields, as in a body that came from a GET */
export function validateVersionAlone(update: AppUpdate, { hasOldAppJson }: Dialect): void {
  const others = Object.keys(update).filter((key) => key !== 'version' && key !== 'id');
  if (update.version === undefined || others.length === 0) return;
  const rule = "The 'version' field may only be combined with the 'id' field.";
  // Up to 1.4 it is an assertion of the program, not one of the rules for apps.
  if (hasOldAppJson) throw new ApiError(422, { message: `requirement failed: ${rule}` });
  throw notValid([{ path: '/', errors: [rule] }]);
}

type Broken = (path: string, error: string) => void;

function validateEnv(app: App, broken: Broken): void {
  for (const [key, value] of Object.entries(app.env)) {
    if (key === '') broken('/env', 'must not be empty');
    if (typeof value !== 'string' && !(value.secret in app.secrets))
      broken(`/env/${key}/secret`, `references an undefined secret named '${value.secret}'`);
  }
}

function validateSingleInstance(app: App, broken: Broken): void {
  if (app.labels.MARATHON_SINGLE_INSTANCE_APP !== 'true') return;
  if (app.instances > 1) broken('/instances', `got ${app.instances}, expected 1 or less`);
  const { maximumOverCapacity, minimumHealthCapacity } = app.upgradeStrategy;
  if (maximumOverCapacity !== 0 || minimumHealthCapacity !== 0)
    broken('/upgradeStrategy', 'must have minimumHealthCapacity and maximumOverCapacity equal to 0');
}

function validateReadiness(app: App, broken: Broken): void {
  if (app.readinessChecks.length > 1)
    broken('/readinessChecks', 'At most one readiness check may be specified.');
  const names = new Set(portWishes(app).map((port) => port.name));
  app.readinessChecks.forEach((check, index) => {
    if (!names.has(check.portName))
      broken(
        `/readinessChecks(${index})/portName`,
        `No port definition reference for portName ${check.portName}`,
      );
    if (check.timeoutSeconds >= check.intervalSeconds)
      broken(`/readinessChecks(${index})/timeoutSeconds`, 'must be less than intervalSeconds');
  });
  if (!isHostMode(app) && (app.portDefinitions?.length ?? 0) > 0)
    broken('/portDefinitions', 'is only allowed with host networking');
}

const decimal = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : String(value));
