// pure
import { markingOf } from './marking.ts';
import type { Sides } from './sides.ts';

/** How many tasks would take requests in the moment after the coming colour was scaled last. Pure.
 *
 * Then marathon-lb takes as many tasks of the going one out as the coming one has alive ones, all at once; and those of
 * the coming one that were out serve only when HAProxy's own checks have passed again, since a reload keeps their state:
 *   coming 2, both out, going 2, target 2 → 0: nobody serves for seconds      the same with going 3 → 1
 *   coming 2, both out, going 4, target 4 → 2
 * @source HAProxy src/server_state.c: a server that was stopped stays so, also when its line is not disabled any more */
export function servingOnceTurned({ seen, coming, comingUse, goingUse }: Sides): number {
  const apps = seen.apps.map((app) => (app.id === coming.id ? { ...app, lastScalingAt: LAST_OF_ALL } : app));
  const marking = markingOf(apps);
  if (marking.kind === 'fault') return 0;
  const isIn = (id: string) => comingUse.get(id) === 'in' || goingUse.get(id) === 'in';
  return apps.flatMap(({ tasks }) => tasks).filter(({ id }) => isIn(id) && !marking.out.includes(id)).length;
}

const LAST_OF_ALL = '9999-12-31T23:59:59.999Z';
