// pure

/** Bounds on what other people's apps may make this look at. */
const [MOST_PORTS, MOST_ITEMS, LONGEST_LABEL] = [200, 1_000, 64 * 1024];
/** What the image of marathon-lb runs when the app gives neither arguments nor a command. */
const STOCK_GROUPS = ['external'];

/** The groups of apps that a marathon-lb app takes, from its arguments or its command line. Pure.
 *   ['sse', '--group', 'external', '--group=internal'] → ['external', 'internal']
 *   ['sse', '--group', '*']                            → 'all'
 *   ['sse', '--group', 'a,b']                          → ['a,b'], one group: the argument is no list
 *   ['sse']                                            → [] and marathon-lb itself does not start
 *   [] without a command                               → ['external'], the default of its image
 * @param cmd read as a shell splits it into words; what it would put in for variables is not known here
 * @source marathon-lb marathon_lb.py (argparse: `--group`, append), Dockerfile (CMD) */
export function groupsOf(args: readonly string[], cmd?: string): string[] | 'all' {
  if (args.length === 0 && cmd === undefined) return STOCK_GROUPS;
  const words = args.length > 0 ? args : wordsOf(cmd ?? '');
  const groups = new Set<string>();
  for (const [index, word] of words.entries()) {
    const given = word.startsWith('--group=') ? word.slice('--group='.length) : undefined;
    const group = word === '--group' ? words[index + 1] : given;
    if (group !== undefined) groups.add(group);
  }
  return groups.has('*') ? 'all' : [...groups];
}

/** Words of a command line; quotes and backslashes hold one together. */
function wordsOf(command: string): string[] {
  const words = command.slice(0, LONGEST_LABEL).match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/gs) ?? [];
  return words.map((word) =>
    word.replace(
      /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs,
      (_whole, single?: string, double?: string, escaped?: string) =>
        single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? '',
    ),
  );
}

/** What is needed of any app of the cluster. */
export interface LabelledApp {
  id: string;
  labels: Readonly<Record<string, string>>;
  /** How many ports it has: label names carry their index. */
  portCount: number;
}

/** The names of a list that balancers with these groups serve. Pure.
 *
 * A name belongs to every balancer when no app asks for it (HAPROXY_{n}_VHOST), and otherwise where one of the
 * ports that ask for it is taken: its HAPROXY_{n}_GROUP, else the app's HAPROXY_GROUP, has one of the groups. A
 * port without any is taken by `*` only; one that is switched off (HAPROXY_{n}_ENABLED) does not ask. Wildcards
 * are compared as they are written.
 * @returns in the order and spelling of the list
 * @source marathon-lb marathon_lb.py (get_apps, config, has_group), config.py (set_hostname, set_group) */
export function namesInGroups(
  groups: readonly string[] | 'all',
  apps: readonly LabelledApp[],
  names: readonly string[],
): string[] {
  if (groups === 'all') return [...names];
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const [asked, taken] = [new Set<string>(), new Set<string>()];
  for (const app of apps) {
    for (let index = 0; index < Math.min(app.portCount, MOST_PORTS); index += 1) {
      const vhosts = items(labelOf(app, `HAPROXY_${index}_VHOST`)?.toLowerCase());
      if (vhosts.length === 0 || !isPortEnabled(app, index)) continue;
      const isTaken = isPortTaken(groups, app, index);
      for (const vhost of vhosts) {
        if (!wanted.has(vhost)) continue;
        asked.add(vhost);
        if (isTaken) taken.add(vhost);
      }
    }
  }
  return names.filter((name) => !asked.has(name.toLowerCase()) || taken.has(name.toLowerCase()));
}

/** Do balancers with these groups take a port: by its HAPROXY_{n}_GROUP, else the app's HAPROXY_GROUP? Pure. */
export function isPortTaken(groups: readonly string[] | 'all', app: LabelledApp, index: number): boolean {
  if (groups === 'all') return true;
  const own = items(labelOf(app, `HAPROXY_${index}_GROUP`) ?? labelOf(app, 'HAPROXY_GROUP'));
  return own.some((group) => groups.includes(group));
}

/** As marathon-lb reads HAPROXY_{n}_ENABLED: anything but a few words for yes switches the port off. Pure. */
export function isPortEnabled(app: LabelledApp, index: number): boolean {
  const value = labelOf(app, `HAPROXY_${index}_ENABLED`);
  return value === undefined || /^(true|t|yes|y)$/i.test(value);
}

/** The value of a label, cut to what is read of one. Labels are other people's: a name may also stand for what
 * every object has. Pure. */
export function labelOf({ labels }: LabelledApp, name: string): string | undefined {
  return Object.hasOwn(labels, name) ? labels[name]?.slice(0, LONGEST_LABEL) : undefined;
}

function items(list: string | undefined): string[] {
  const parts = (list ?? '').split(',', MOST_ITEMS).map((item) => item.trim());
  return parts.filter((item) => item !== '');
}
