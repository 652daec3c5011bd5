// pure
import { zddOptions } from './zdd-flags.ts';

/** What `certathon zdd --longhelp` prints. */
export function longhelp(): string {
  const options = zddOptions().map(({ flags, description }) => `  ${flags}\n      ${description}\n`);
  return `${TEXT}\nOptions\n\n${options.join('')}`;
}

const TEXT = `certathon zdd: blue/green deployments behind marathon-lb, with the flags of zdd.py

The JSON of the app carries two labels: HAPROXY_DEPLOYMENT_GROUP, the name under which the colours take turns, and
HAPROXY_DEPLOYMENT_ALT_PORT, the service port that the second colour takes. Each rollout creates the colour that is not
there (/shop-blue, then /shop-green), with the service port that the other one does not have.

  1. The new colour begins with --initial-instances. marathon-lb takes as many old tasks out as new ones are healthy.
  2. Old tasks that no balancer sends anything to, and that hold no connection in any process of any balancer, are
     killed; --pre-kill-hook is asked before. The new colour then grows by half, or by --linear-increase.
  3. When the new colour has its full size and the old one is drained, the old app is deleted.
  With --new-instances N it ends at N new tasks beside the rest of the old ones (a split). --complete-cur then makes
  the new colour serve alone, and --complete-prev the old one.

What is different from zdd.py
  - Nothing is killed because time ran out. When nothing moves on for --max-wait, or when the new colour dies or the
    hook says no, it goes back to the old colour (--on-failure stop: it stops). Connections that outlast
    --drain-timeout end the rollout where it is; --on-drain-timeout rollback goes back, and cut ends them.
  - The number of instances comes from the JSON; --keep-instances takes it from the app that serves now.
  - A first deployment, and the deletion of the old app, are waited for.
  - --force keeps questions away; it never reaches Marathon.

Nothing of a rollout is kept outside Marathon: one that was cut off is carried on by --resume, from any machine.

Exit status
  0   what was asked for is reached: complete, the split holds, or the plan is printed
  1   not agreed to
  2   the command line or the JSON is wrong
  3   the group is not in a state for this: --complete-cur without a split, for example
  4   a field of the JSON is missing or wrong
  5   a balancer can not be read
  6   Marathon can not be read
  7, 8, 9   Marathon refused to create, to delete, to scale or kill
  10 and more are told in docs/reference.md
`;
