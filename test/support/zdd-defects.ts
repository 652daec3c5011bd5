/** What is said of zdd.py, and the tests that show how it is here. */
export interface Entry {
  said: string;
  /** The number of the defect; 0 for what zdd.py's own tests assert. */
  number: number;
  /** Files of tests, and the title of a test or the name of one of its rows. */
  shown: readonly { file: string; title: string }[];
}

/** Known defects of zdd.py: number and defect, and below the tests that show that it is none of ours. */
const DEFECTS_TEXT = `
1 kills what was taken out when max-wait is over, whatever sessions there are
   unit/rollout/plan: stops by default when connections outlast the drain time
   unit/rollout/plan: cuts them only when asked to
   unit/rollout/plan: never cuts what is still sent requests
   unit/rollout/plan: turns back when nothing moved on for too long, with what it waits for
2 counts pids, of any worker and of checks of a configuration
   unit/rollout/drain: another reload meanwhile, whose old worker never sent to it
   unit/rollout/drain: workers begun later do not matter
   unit/rollout/drain: a check of a configuration at the first look that shows it out
3 trusts sessions that the new worker tells, which are always 0
   integration/haproxy/drain: a task that a reload takes out is held by the old process until its last connection ends
   unit/rollout/drain: taken out by a reload, the old worker is there
4 decides on a listing from before a reload, or from before the wait
   integration/haproxy/look: a new process came
   unit/rollout/plan: decides nothing while a balancer can not be looked at
   unit/rollout/run: waits for a Marathon that is away for a while, and decides on nothing that it saw before
5 has loops without an end
   unit/rollout/plan: turns back when nothing moved on for too long, with what it waits for
   unit/rollout/plan: turns back at once when new tasks die one after another
   unit/rollout/zdd-defects: ends although a new task comes and goes for ever
   unit/rollout/run: ends when Marathon stays away for as long as nothing may move on
   unit/rollout/run: repeats a write that was %s, and ends when it never is made
   unit/rollout/run: has an end by the time limit, sooner than where nothing moves on
6 never rolls back
   unit/rollout/plan: gives the old colour its full size first
   unit/rollout/plan: waits until the new colour is drained
   unit/rollout/rehearse: comes to an end from every pair of sizes, in every manner
   integration/rollout/rollouts: asks the hook before the only task of the old colour goes, and goes back when that says no
7 has no lock, and guesses where an interrupted run stood
   integration/rollout/rollouts: begins once, when two begin it in one moment
   e2e/rollout-manual: refuses a further deploy in this state, and says what each way out does
   unit/rollout/plan: stops when somebody else scaled an app
   unit/rollout/rehearse: comes to an end from every pair of sizes, in every manner
8 meets an existing pair with an exception, and resumes a split by doing nothing
   unit/rollout/prepare: refuses a group with two colours, and says what can be done
   unit/rollout/prepare: names the state of a group with two colours, and what each way out does
   e2e/rollout-manual: refuses a further deploy in this state, and says what each way out does
   unit/rollout/plan: is reached when both have their share and serve
9 ignores the number of instances in the JSON
   unit/rollout/target: the JSON, more than before
   unit/rollout/target: the JSON, when the last app has 0
   unit/rollout/target: what runs, when that is to be kept
10 lets marathon-lb take old tasks out at once when there are no health checks
   unit/rollout/definition: no health checks
   unit/rollout/definition: takes an app without health checks when that is accepted
   unit/rollout/preflight: an old colour without health checks
   unit/rollout/drain: no check
11 counts rows and the text UP, so that one sick old task holds everything up
   unit/rollout/zdd-defects: is not held up by an old task that serves nothing
   unit/rollout/drain: UP 1/3
   unit/rollout/plan: waits until every balancer sends the new task requests
12 pairs names with tasks by position, wrong with two ports
   unit/haproxy/names: two ports, each by its index
   unit/rollout/zdd-defects: judges a task by every port that it has
13 fails on portDefinitions
   unit/rollout/next-colour: never is that of the colour before while there is an alternative, and the frontend never moves
   unit/rollout/service-port: finds that of %j in %s
14 takes a servicePort of 0 for a port
   unit/rollout/next-colour: is left to Marathon the first time
   unit/rollout/next-colour: keeps the frontend that Marathon chose
   unit/rollout/next-colour: keeps it on the way back
15 never alternates ports on Marathon 1.5 and newer
   unit/rollout/next-colour: comes back from it
   unit/rollout/service-port: bridge, 1.5
   unit/rollout/service-port: host, 1.5
16 compares the text of groups, and builds names of it, with its slashes
   unit/haproxy/names: the group %s is the app %s
   unit/haproxy/names: the backend of %s with the service port %i is %s
   unit/rollout/group: prod/nginx
17 has another rule for names of servers than marathon-lb
   unit/haproxy/names: names the lines exactly as the stand-in for marathon-lb writes them, for random apps
   unit/haproxy/names: an address of its own
   unit/haproxy/names: a host whose address is not known
18 knows IPv4 addresses of one URL only, asked once
   unit/haproxy/places: finds each address of a name, of both kinds, at the port that is written
   unit/haproxy/places: looks the names up again at each call
   unit/haproxy/places: keeps https, with the host that the certificate has to be good for
   unit/haproxy/places: takes the user from %s
   unit/rollout-balancers: refuses an address at which several balancers answer in turns
19 may miss a balancer
   unit/rollout-balancers: refuses fewer addresses than Marathon runs balancers
   unit/rollout-balancers: notices a balancer that Marathon starts in the middle and that is at none of the addresses
   integration/rollout/rollouts: is refused where one of the balancers is not at the addresses that were given
20 asks without a limit of time and without a second try
   integration/lib/http: gives up a slow answer %s
   integration/lib/http: begins with another address after a slow one
   integration/marathon/client: waits through an election that answers %i
   integration/marathon/lab: reaches the leader by the redirect of a standby
   integration/rollout/rollouts: lasts through a time without a leader
21 kills while a deployment holds the old app, and ends with the 409
   unit/rollout/zdd-defects: kills nothing of a colour that a deployment holds
   integration/rollout/rollouts: waits for the deployment of somebody else that holds the old colour
   unit/rollout/run: goes on when a write is taken in the end, and then looks anew
22 calls no hook before the last removal, and lets it take for ever
   integration/rollout/rollouts: asks the hook before the only task of the old colour goes, and goes back when that says no
   unit/rollout/zdd-defects: asks before every removal on every way forward
   unit/rollout/plan: asks before it deletes the new colour
   integration/rollout/hook: ends one that hangs, and whatever it started, when its time is over
23 waits neither for a first deployment nor for the end of the old app
   integration/rollout/rollouts: is over at the first time when its task is healthy and every balancer sends it requests
   integration/rollout/rollouts: is over when the tasks of the old colour have ended
   unit/rollout/zdd-defects: waits for the end of the tasks of an app that was deleted
   unit/rollout/plan: waits for the new colour although the old one is gone
24 asks where nobody can answer, and falls over
   unit/cli/rollout-drive: does not begin without a terminal or a yes, and names the flag
25 reads statistics by fixed columns and with the wrong quotes
   unit/haproxy/stats: reads what HAProxy %s writes
   unit/haproxy/stats: a comma, a doubled quote and a new line in quotes
   unit/haproxy/stats: empty lines
   unit/haproxy/stats: an apostrophe, which quotes nothing
26 tells the older app by local times, as texts
   unit/rollout/started-at: a clock that is ahead
   unit/rollout/started-at: has six digits and no zone, and grows as a time and as a text, whatever the clock does
27 may need twice the resources
   unit/rollout/zdd-defects: has no more than two steps above the target, and one of one, where the old colour shrinks by a linear increase
28 does not tell that labels of the new app count when the old one is gone
   unit/rollout/prepare: tells before anything is touched which labels count only when the old colour is gone
   unit/rollout/changed-labels: a new label
29 falls over a missing field
   unit/rollout/definition: no id
   unit/rollout/definition: tells all faults at once, and never what a label holds
   unit/rollout/zdd-defects: keeps the exit statuses that zdd.py meant
30 leaves an old app without instances when all are to be new
   unit/rollout/target: all, for a split of all
   unit/rollout/target: all, for a split of more
   unit/rollout/prepare: replaces the old colour where all instances are to be new
31 knows one share a deployment, and does not say what a share is
   unit/rollout/rehearse: a split of 2 that grows to 4
   unit/rollout/target: a further hop
   e2e/rollout-manual: --new-instances 2 gives 8 to 2, at the client too
32 breaks passwords at a colon, and knows no token
   unit/cli/zdd-flags: takes who we are from %j
   integration/lib/http-authorization: basic authentication
   integration/marathon/dcos-login: logs in once, before the first of several calls, and its token goes with all
   integration/marathon/dcos-login: goes with every call, until Marathon takes it no more
`;

/** What zdd.py's own tests assert, and below the tests by which ours do. ≠: ours does otherwise, and why. */
const ASSERTED_TEXT = `
= by half: 10 of 30 beside 30 to 15, and 10 of 30 beside 8 to 30
   unit/rollout/scale: from %i of %i beside %i old ones to %i
≠ a split of 15 in 30: from 10 to 15; ours one by one: several old tasks killed at the end of a split would be sent requests while they die
   unit/rollout/scale: a split of three, one by one whatever else is asked for
= of two balancers: drained when out and idle at both, not when in at one or waited for at one
   unit/rollout/zdd-defects: takes a task for drained when it is out and idle on both of two balancers
= of the same two: draining are the first and the third task, not the second
   unit/rollout/zdd-defects: takes a task for drained when it is out and idle on both of two balancers
= names of servers are host and port, with underscores for dots
   unit/haproxy/names: the server of %s (%s) with the port %i is %s
= statistics of two balancers, one after the other, with a second line of names
   unit/haproxy/stats: two balancers one after the other, of two versions
= the hook is called with the old app, the ids and the new app
   integration/rollout/hook: hands over three arguments, and the same once more as one document
= listeners of a group are the rows of its backend but FRONTEND and BACKEND
   unit/haproxy/names: the backend of %s with the service port %i is %s
   integration/haproxy/look: leaves frontends and backends out
= a URL of balancers stands for each address of its host, the port kept
   unit/haproxy/places: finds each address of a name, of both kinds, at the port that is written
= the next colour in the JSON of Marathon 1.4 and of 1.5
   unit/rollout/next-colour: the JSON of 1.5 and newer
   unit/rollout/next-colour: the JSON of 1.4 and older
= the next colour of a split, in both
   unit/rollout/next-colour: a split in the JSON of 1.5 and newer
   unit/rollout/next-colour: a split in the JSON of 1.4 and older
= --complete-cur with one app ends with the argument exception, status 3
   e2e/rollout-manual: --complete-cur and --complete-prev without a split end with zdd.py’s status 3
`;

export const DEFECTS: readonly Entry[] = entriesOf(DEFECTS_TEXT);
export const ASSERTED: readonly Entry[] = entriesOf(ASSERTED_TEXT);

function entriesOf(text: string): Entry[] {
  const parts = text.trim().split(/\n(?! )/);
  return parts.map((part) => {
    const [head = '', ...lines] = part.split('\n');
    const [, mark = '', said = ''] = /^(\d+|=|≠) (.+)$/.exec(head) ?? [];
    return { said, number: Number(mark) || 0, shown: lines.map(shownIn) };
  });
}

function shownIn(line: string): Entry['shown'][number] {
  const [, path = '', title = ''] = /^ {3}([\w/-]+): (.+)$/.exec(line) ?? [];
  return { file: `test/${path}.test.ts`, title };
}
