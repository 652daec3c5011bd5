import { type Answer, json } from './answer.ts';
import { answerApps } from './api-apps.ts';
import { answerDeployments, answerQueue } from './api-deployments.ts';
import { ApiError } from './api-error.ts';
import { answerGroups } from './api-groups.ts';
import { type ApiRequest, methodNotAllowed, type World } from './api-request.ts';
import { answerAllTasks } from './api-tasks.ts';

const ROOMS: Record<string, (request: ApiRequest, world: World, rest: string) => Answer> = {
  apps: answerApps,
  tasks: answerAllTasks,
  deployments: answerDeployments,
  queue: answerQueue,
  groups: answerGroups,
  leader: answerLeader,
  info: answerInfo,
};

/** Answers one call of the API; `/v2/events` is answered elsewhere.
 * @throws ApiError for every answer that is no success; an unknown URL is a 404 up to 1.5, then a 500 */
export function route(request: ApiRequest, world: World): Answer {
  if (request.path === '/ping') return ping(request);
  const [, room = '', rest = ''] = /^\/v2\/([a-z]+)(?:\/(.*))?$/.exec(request.path) ?? [];
  const answer = ROOMS[room];
  if (!answer) throw unknownUrl(request, world);
  return answer(request, world, rest.replaceAll(/\/+/g, '/').replaceAll(/^\/|\/$/g, ''));
}

function unknownUrl({ path }: ApiRequest, { dialect }: World): ApiError {
  const message = dialect.unknownUrlStatus === 404 ? `URI not found: ${path}` : 'URI not found';
  return new ApiError(dialect.unknownUrlStatus, { message });
}

function ping(request: ApiRequest): Answer {
  const accept = request.headers.accept ?? '*/*';
  if (/text\/|\*\/\*/.test(accept)) return { status: 200, text: 'pong' };
  return accept.includes('application/json') ? json('pong') : { status: 204 };
}

function answerLeader(request: ApiRequest, world: World): Answer {
  if (request.method === 'GET') return json({ leader: world.leader });
  if (request.method !== 'DELETE') throw methodNotAllowed();
  world.failOver();
  return json({ message: 'Leadership abdicated' });
}

function answerInfo(request: ApiRequest, world: World): Answer {
  if (request.method !== 'GET') throw methodNotAllowed();
  const port = Number(world.leader.slice(world.leader.lastIndexOf(':') + 1));
  return json({
    name: 'marathon',
    version: world.version,
    buildref: 'lab',
    elected: true,
    leader: world.leader,
    frameworkId: 'lab-0000',
    marathon_config: {
      features: world.features,
      ha: true,
      local_port_min: 10_000,
      local_port_max: 20_000,
    },
    zookeeper_config: {},
    event_subscriber: null,
    http_config: { http_port: port, https_port: 8443 },
  });
}
