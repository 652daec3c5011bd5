// pure
import { type CommandName, forCommands, type OptionEntry, ROLLOUT_COMMANDS } from './option.ts';

/** Those that begin a rollout, those that carry one on or take it back, and both. */
const BEGINNING = ['rollout start', 'zdd'] as const satisfies readonly CommandName[];
const GOING_ON = ['rollout resume', 'rollout abort'] as const satisfies readonly CommandName[];
const FORWARD = [...BEGINNING, 'rollout resume'] as const satisfies readonly CommandName[];
const CHANGING = [...BEGINNING, ...GOING_ON] as const satisfies readonly CommandName[];

/** The part of the table about rollouts; options.ts has the whole. A bare number of seconds is how zdd.py writes
 * times. */
export const ROLLOUT_OPTIONS = forCommands(ROLLOUT_COMMANDS, [
  // Which app
  {
    name: 'app',
    kind: 'path',
    commands: BEGINNING,
    example: 'shop.json',
    doc: 'JSON file of the app to roll out, as one would send it to Marathon, with the label HAPROXY_DEPLOYMENT_GROUP.',
  },
  {
    name: 'group',
    kind: 'text',
    commands: ['rollout status', ...GOING_ON, 'rollout history'],
    example: 'shop',
    doc: 'Deployment group, as the label HAPROXY_DEPLOYMENT_GROUP names it.',
  },
  {
    name: 'marathonLb',
    kind: 'urls',
    credentials: true,
    example: 'http://marathon-lb.marathon.mesos:9090',
    doc: 'Addresses of the balancers (their port 9090); a host name stands for all its addresses. Without it they are the tasks of the marathon-lb apps.',
  },
  // How the new colour grows
  {
    name: 'initialInstances',
    kind: 'integer',
    range: ['1', '100000'],
    default: '1',
    commands: BEGINNING,
    doc: 'With how many instances the new colour begins.',
  },
  {
    name: 'linearIncrease',
    kind: 'integer',
    range: ['0', '100000'],
    default: '0',
    commands: FORWARD,
    doc: 'By how many instances the new colour grows at each step; 0 grows it by half.',
  },
  {
    name: 'newInstances',
    kind: 'integer',
    range: ['0', '100000'],
    default: '0',
    commands: FORWARD,
    doc: 'Keep so many instances of the new colour beside the rest of the old one (a split); 0 replaces the old one, and on resume keeps the split that is there.',
  },
  {
    name: 'keepInstances',
    kind: 'boolean',
    commands: BEGINNING,
    doc: 'Take the number of instances from the app that serves now, not from the JSON.',
  },
  {
    name: 'old',
    kind: 'choice',
    choices: ['keep', 'shrink'],
    commands: FORWARD,
    doc: 'Whether the old colour keeps its instances until the new one is complete, or shrinks as that one grows. Without it keep, and for zdd shrink.',
  },
  {
    name: 'complete',
    kind: 'boolean',
    commands: ['rollout resume', 'zdd'],
    strict: true,
    doc: 'End a split: the new colour serves alone, and the old one is removed.',
  },
  {
    name: 'completePrev',
    kind: 'boolean',
    commands: ['zdd'],
    strict: true,
    doc: 'End a split, or any rollout: the old colour serves alone, and the new one is removed.',
  },
  {
    name: 'resume',
    kind: 'boolean',
    commands: ['zdd'],
    strict: true,
    doc: 'Carry on a rollout that was begun before, here or elsewhere.',
  },
  // What is waited for, and what then
  {
    name: 'maxWait',
    kind: 'duration',
    range: ['1s', '7d'],
    bareSeconds: true,
    default: '300s',
    commands: CHANGING,
    doc: 'How long nothing may move on before the rollout has failed.',
  },
  {
    name: 'timeLimit',
    kind: 'duration',
    range: ['0s', '30d'],
    bareSeconds: true,
    default: '0s',
    commands: FORWARD,
    doc: 'How long all of it may take, even while something moves on; then it has failed. 0s sets no limit.',
  },
  {
    name: 'drainTimeout',
    kind: 'duration',
    range: ['0s', '30d'],
    bareSeconds: true,
    default: '300s',
    commands: CHANGING,
    doc: 'How long connections to tasks that get no new requests may last.',
  },
  {
    name: 'onDrainTimeout',
    kind: 'choice',
    choices: ['stop', 'rollback', 'cut'],
    default: 'stop',
    commands: CHANGING,
    doc: 'What happens when connections last longer: stop and report them, go back to the old colour, or cut them.',
  },
  {
    name: 'onFailure',
    kind: 'choice',
    choices: ['rollback', 'stop'],
    default: 'rollback',
    commands: CHANGING,
    doc: 'What happens when the new colour fails, or a hook does: go back to the old colour, or stop where it is.',
  },
  {
    name: 'stepDelay',
    kind: 'duration',
    range: ['0s', '1h'],
    bareSeconds: true,
    default: '1s',
    commands: CHANGING,
    doc: 'The longest time between two looks at the cluster; more than 1s counts as 1s.',
  },
  {
    name: 'preKillHook',
    kind: 'path',
    commands: CHANGING,
    example: './may-go.sh',
    doc: 'Program that is asked before tasks are removed, with three JSON arguments: the old app, the ids of the tasks, the new app. A status other than 0 is a no.',
  },
  {
    name: 'hookTimeout',
    kind: 'duration',
    range: ['100ms', '1d'],
    bareSeconds: true,
    default: '60s',
    commands: CHANGING,
    doc: 'How long that program may take.',
  },
  {
    name: 'accept',
    kind: 'words',
    choices: ['no-health-checks', 'no-target'],
    commands: CHANGING,
    example: 'no-health-checks',
    doc: 'Risks that are taken knowingly: an app without health checks, an old colour without a target of instances.',
  },
] as const satisfies readonly OptionEntry[]);
