/** An app with one service port and one running task, as Marathon lists it. */
export function app(
  id: string,
  servicePort: number,
  taskPort: number,
  labels: Record<string, string> = {},
  more: object = {},
): object {
  return {
    id,
    labels: { HAPROXY_GROUP: 'external', ...labels },
    portDefinitions: [{ port: servicePort }],
    tasks: [{ id: `${id.slice(1)}.1`, host: '127.0.0.1', state: 'TASK_RUNNING', ports: [taskPort] }],
    ...more,
  };
}
