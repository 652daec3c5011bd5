import { readFileSync } from 'node:fs';
import { COMMANDS } from '../src/cli/commands.ts';
import { ZDD_FLAGS } from '../src/cli/zdd-flags.ts';
import { referenceRows } from '../src/config/describe.ts';
import { ERRORS } from '../src/lib/errors.ts';
import { EVENTS } from '../src/lib/log.ts';
import { COLOUR_LABELS } from '../src/rollout/definition-faults.ts';
import { HISTORY_LABEL } from '../src/rollout/history.ts';

/** What each label of the shipped definition is for. */
const LABELS: Record<string, string> = {
  HAPROXY_GROUP:
    'The balancers with this group take the app; it must be the group of those that serve the names.',
  HAPROXY_0_VHOST:
    'A host that only routes challenges: marathon-lb ignores the path below without one. It need not resolve, and it is never a wanted name while it is the value of `routingHost`. Other names here are wanted, and several may stand parted by commas, but then only they are routed.',
  HAPROXY_0_PATH: 'The path of HTTP-01 challenges (RFC 8555 8.3); nothing else is routed to the first port.',
  HAPROXY_0_BACKEND_WEIGHT:
    'Puts the rules before those of other apps. An app that asks for a password with a larger weight comes first.',
  HAPROXY_0_HTTP_FRONTEND_ACL_WITH_PATH:
    'On port 80: the path leads here for every host. Host is replaced, the one asked for kept in X-Acme-Host, so that no redirect, password or path rule of the owner of the host matches.',
  HAPROXY_0_HTTPS_FRONTEND_ACL_WITH_PATH:
    'The same on port 443, for whoever redirects to HTTPS outside; `allow` ends the rules before a password is asked for.',
  HAPROXY_1_ENABLED: 'Keeps the second port (status, health, control) out of the balancers.',
};

/** Labels of the apps that are rolled out: what an operator writes, and what a rollout writes into each colour. */
const ROLLOUT_LABELS: Record<string, string> = {
  HAPROXY_DEPLOYMENT_GROUP:
    'Needed. The name under which two colours take turns; `shop` and `/shop` are one group. No other app may have it.',
  HAPROXY_DEPLOYMENT_ALT_PORT:
    'The service port that the second colour takes; the colours alternate between it and that of the JSON. May be left out on Marathon 1.3 and newer: then both have the same.',
  HAPROXY_0_PORT:
    'The port of the frontend. It is written from the service port of the JSON, so that it stays where it is while the service port alternates; one that is given stays.',
  HAPROXY_GROUP:
    'Balancers with this group take the app, with `HAPROXY_{n}_GROUP` before it; read, never written.',
  'HAPROXY_{n}_ENABLED': 'A port that is switched off counts for nothing; read, never written.',
  HAPROXY_APP_ID: 'Written: the id in the JSON, without a colour.',
  HAPROXY_DEPLOYMENT_COLOUR: 'Written: `blue` or `green`.',
  HAPROXY_DEPLOYMENT_STARTED_AT:
    'Written: when the colour was created, in UTC without a zone; marathon-lb tells the older one by it. Always later than that of the other colour.',
  HAPROXY_DEPLOYMENT_TARGET_INSTANCES:
    'Written: how many instances there shall be in the end, of both colours together. marathon-lb takes old tasks out by it.',
  HAPROXY_DEPLOYMENT_NEW_INSTANCES:
    'Written: how many of the new colour stay beside the old one (`newInstances`); 0 replaces it.',
  [HISTORY_LABEL]:
    'Written: the last ten colours, for `certathon rollout history`; of commands only a digest.',
};

/** docs/reference.md, whole, from the tables that the program itself runs on and the shipped definition.
 * @throws Error when a label of the definition has no sentence, or a sentence no label */
export function renderReference(): string {
  return [
    '# Reference',
    'Generated from the tables of the program by `npm run docs`; a test fails when this file is stale.',
    '## Commands',
    table(
      ['Command', 'What it does', 'Example'],
      [
        ...Object.entries(COMMANDS).map(([name, { summary, example }]) => [
          code(`certathon ${name}`),
          summary,
          code(example),
        ]),
        [
          code('certathon lab'),
          'A whole cluster on this machine, to try things out; only in a clone, not in the image.',
          code('certathon lab demo'),
        ],
      ],
    ),
    '## Options',
    'Each option is a flag, an environment variable or a key of the JSON file that `--config` names; a flag weighs more than a variable, a variable more than the file, the file more than the default. An empty value counts as unset. Lists are parted by commas or white space. All problems are reported at once, and unknown names with our prefix are errors. What does not concern a command is passed over. Certificates are the commands `serve`, `renew`, `plan`, `doctor`, `revoke` and `certificates rollback`, `reissue` and `forget`; store are `certificates list`, `show` and `export`; accounts are those that begin with `account`; rollouts are `zdd` and those that begin with `rollout`.',
    table(
      ['Option', 'Flag', 'Variable', 'Default', 'Commands', 'Meaning'],
      referenceRows().map((row) => [
        code(row.name),
        code(row.flag),
        code(row.env),
        row.default === '' ? '' : code(row.default),
        row.commands,
        row.doc,
      ]),
    ),
    '## Other names of options',
    'Variables of predecessors go on working and cost one `config.deprecated` line each; what the cluster sets (Marathon for every task, DC/OS for a service account) is taken without a word. Our own variable weighs more.',
    table(
      ['Variable', 'Option', 'Stands for', ''],
      referenceRows().flatMap(({ also, name, env }) =>
        also.map((one) => [
          code(one.name),
          code(name),
          code(env),
          one.deprecated ? 'deprecated' : 'set by the cluster',
        ]),
      ),
    ),
    '## Flags of zdd.py',
    '`certathon zdd` takes the flags of `zdd.py`, and beside them every option of rollouts. `--marathon`, `--marathon-lb` and `--json` must be given, or be set by their variables.',
    table(
      ['Flag', 'Option', 'Meaning'],
      Object.values(ZDD_FLAGS).map(({ flags, option, doc }) => [
        code(flags),
        option === undefined ? '' : code(option),
        doc ?? '',
      ]),
    ),
    '## Labels',
    'The labels of `deploy/marathon/certathon.json`, and why each is there. Of its own labels the program reads `HAPROXY_0_VHOST` only. Of other apps it reads `HAPROXY_{n}_VHOST`, `HAPROXY_{n}_GROUP`, `HAPROXY_GROUP` and `HAPROXY_{n}_ENABLED` where several marathon-lb apps are told apart by their groups, and writes none.',
    table(
      ['Label', 'Value', 'Why'],
      labelRows().map(([name, value, why]) => [code(name), code(value), why]),
    ),
    'A rollout reads and writes labels of the two apps of its deployment group. Ports and groups of all other apps are read too, to find out who is in the way.',
    table(
      ['Label of a rollout', 'What it is'],
      rolloutLabelRows().map(([name, what]) => [code(name), what]),
    ),
    '## Exit statuses and error codes',
    'A code is never reused. 0 means that what was asked for is reached: every certificate is valid and served, a rollout is complete, a split holds, or a plan is printed. Statuses 1 to 9 of rollouts are those of `zdd.py`.',
    table(
      ['Code', 'Status', 'Repeating helps', 'What to do'],
      Object.entries(ERRORS).map(([name, { exit, retry, hint }]) => [
        code(name),
        String(exit),
        retry ? 'yes' : 'no',
        hint,
      ]),
    ),
    '## Log events',
    'One JSON line each, with `time`, `level`, `event` and fields.',
    table(
      ['Event', 'Meaning'],
      Object.entries(EVENTS).map(([name, meaning]) => [code(name), meaning]),
    ),
  ]
    .join('\n\n')
    .concat('\n');
}

function labelRows(): [string, string, string][] {
  const file = new URL('../deploy/marathon/certathon.json', import.meta.url);
  const { labels } = JSON.parse(readFileSync(file, 'utf8')) as { labels: Record<string, string> };
  const strange = [...Object.keys(labels), ...Object.keys(LABELS)].filter(
    (name) => !(name in labels && name in LABELS),
  );
  if (strange.length > 0)
    throw new Error(`Labels of the definition and sentences differ: ${strange.join(', ')}`);
  return Object.entries(labels).map(([name, value]) => [
    name,
    value.includes('\n') ? 'several lines' : value,
    LABELS[name] as string,
  ]);
}

function rolloutLabelRows(): [string, string][] {
  const without = COLOUR_LABELS.filter((name) => !(name in ROLLOUT_LABELS));
  if (without.length > 0) throw new Error(`Labels without a sentence: ${without.join(', ')}`);
  return Object.entries(ROLLOUT_LABELS);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
