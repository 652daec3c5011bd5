// pure

/** How one version of Marathon behaves where the versions differ. Everything that is not here is the same in all
 * of them. The sources are branches of mesosphere/marathon, `releases/<minor>`. */
export interface Dialect {
  /** Up to 1.4 an app is written with all its fields, unset ones as null, and with `uris`, `ports`,
   * `ipAddress` and `docker.network`; it is read in the same form, and knows no `networks`.
   * @source S/api/v2/json/Formats.scala, AppDefWrites, AppDefinitionReads, AppUpdateReads */
  hasOldAppJson: boolean;
  /** Of a body with a wrong type in it: 400 up to 1.4. @source S/api/MarathonExceptionMapper.scala */
  typeErrorStatus: 400 | 422;
  /** From 1.5 on a command of one character is refused. @source S/api/v2/validation/AppValidation.scala */
  shortestCmd: number;
  /** Seconds; an hour up to 1.7. @source S/state/AppDefinition.scala, DefaultMaxLaunchDelay */
  defaultMaxLaunchDelaySeconds: number;
  /** The operator IS of constraints came with 1.6. */
  hasOperatorIs: boolean;
  /** From 1.8 on an id may not end in `restart`, `tasks` or `versions`. @source S/state/PathId.scala */
  reservesIdEndings: boolean;
  /** Fields that were not invented yet, and so mean nothing in a body. */
  ignoresFields: readonly string[];
  /** From 1.9 on apps, tasks and the queue show a role. */
  showsRole: boolean;
  /** Fields that a partial update takes away unless it repeats them. @source S/raml/AppConversion.scala */
  dropsUnlessRepeated: readonly ('executorResources' | 'resourceLimits')[];
  /** 404 with the path up to 1.5, then 500. @source S/api/MarathonExceptionMapper.scala */
  unknownUrlStatus: 404 | 500;
  /** 503 up to 1.6. @source S/api/LeaderProxyFilter.scala */
  noLeaderStatus: 502 | 503;

  /** From 1.8 on an instance lives on when its task dies, shows its last dead task and launches the next under
   * the same id. Before, the instance ends with its task, and a scale check asks for a new one, unless the app
   * is locked. @source S/core/task/update/impl/steps/ScaleAppUpdateStepImpl.scala (to 1.7) */
  keepsInstances: boolean;
  /** Up to 1.5 empty lists of a task are left out, and unset times are null.
   * @source S/api/v2/json/Formats.scala, EnrichedTaskWrites, HealthWrites; from 1.6 on S/raml/TaskConversion.scala */
  hasOldTaskJson: boolean;
  /** Up to 1.7 a kill without scaling takes the lock of the app until its tasks are dead and replaced; when the
   * lock is taken it does nothing and nobody is told. @source S/MarathonSchedulerActor.scala, KillTasks */
  killsUnderLock: boolean;

  /** What a restart counts as there when it begins: every task that is not dead (up to 1.7), instances that are
   * meant to run (1.8, 1.9), or those of them that are considered healthy (after 1.9.109).
   * @source S/core/deployment/impl/TaskReplaceActor.scala, computeRestartStrategy */
  restartCounts: 'living' | 'wanted' | 'healthy';
  /** Up to 1.7 a restart moves `lastScalingAt`, then `lastConfigChangeAt`. @source S/state/VersionInfo.scala */
  restartMoves: 'lastScalingAt' | 'lastConfigChangeAt';
  /** From 1.5 on a refused write is told as a failed deployment that nobody ever saw. */
  tellsRefusals: boolean;
  /** 1.5 to 1.7: a refused write empties the launch queue of the apps it would have changed.
   * @source S/MarathonSchedulerActor.scala, deploymentFailed */
  purgesOnRefusal: boolean;
  /** How many deployments may run at a time; unlimited before 1.5.9. */
  mostDeployments: number;
  /** `deployment_failed` says why from 1.6 on. @source S/core/event/Events.scala */
  saysWhyDeploymentFailed: boolean;

  /** Whether events carry the whole tree of apps before and after a deployment: always up to 1.4, unless
   * `plan-format=light` is asked for in 1.5 and 1.6. @source S/core/event/impl/stream/HttpEventStreamServlet.scala */
  planFormat: 'heavy' | 'heavy-unless-light' | 'light';
  /** The key that holds the instance id in `failed_health_check_event`. @source Formats.scala, EventFormats */
  failedHealthCheckKey: 'instanceId' | 'taskId';
  /** From 1.8 on a stream that is not read fast enough is closed; before, events are left out. */
  closesSlowStreams: boolean;
}

/** @param version as in `/v2/info`: `1.8.222`, `1.10.26-86475ddac`
 * @throws Error for anything but 1.4 to 1.11, which are the versions that the lab speaks */
export function dialectOf(version: string): Dialect {
  const [, minorText = '', patchText = ''] = /^1\.(\d{1,3})(?:\.(\d{1,9}))?(?:[-+].*)?$/.exec(version) ?? [];
  const minor = Number(minorText || Number.NaN);
  const patch = Number(patchText);
  if (!(minor >= 4 && minor <= 11))
    throw new Error(`The lab speaks Marathon 1.4 to 1.11, not ${JSON.stringify(version)}`);
  const isHealthAware = minor >= 10 || (minor === 9 && patch > LAST_1_9_BY_COUNT);
  return {
    hasOldAppJson: minor <= 4,
    typeErrorStatus: minor <= 4 ? 400 : 422,
    shortestCmd: minor <= 4 ? 1 : 2,
    defaultMaxLaunchDelaySeconds: minor <= 7 ? 3600 : 300,
    hasOperatorIs: minor >= 6,
    reservesIdEndings: minor >= 8,
    ignoresFields: FIELDS_BY_MINOR.filter(([since]) => minor < since).map(([, field]) => field),
    showsRole: minor >= 9,
    dropsUnlessRepeated:
      minor >= 10 ? ['executorResources', 'resourceLimits'] : minor >= 6 ? ['executorResources'] : [],
    unknownUrlStatus: minor <= 5 ? 404 : 500,
    noLeaderStatus: minor <= 6 ? 503 : 502,

    keepsInstances: minor >= 8,
    hasOldTaskJson: minor <= 5,
    killsUnderLock: minor <= 7,

    restartCounts: minor <= 7 ? 'living' : isHealthAware ? 'healthy' : 'wanted',
    restartMoves: minor <= 7 ? 'lastScalingAt' : 'lastConfigChangeAt',
    tellsRefusals: minor >= 5,
    purgesOnRefusal: minor >= 5 && minor <= 7,
    mostDeployments: minor >= 6 || (minor === 5 && patch >= 9) ? 100 : Number.POSITIVE_INFINITY,
    saysWhyDeploymentFailed: minor >= 6,

    planFormat: minor <= 4 ? 'heavy' : minor <= 6 ? 'heavy-unless-light' : 'light',
    failedHealthCheckKey: minor <= 4 ? 'instanceId' : 'taskId',
    closesSlowStreams: minor >= 8,
  };
}

/** Since which minor version an app has a field. */
const FIELDS_BY_MINOR: readonly (readonly [number, string])[] = [
  [5, 'networks'],
  [6, 'executorResources'],
  [9, 'role'],
  [10, 'resourceLimits'],
];

/** The last release of 1.9 whose restarts count instances that are meant to run. */
const LAST_1_9_BY_COUNT = 109;
