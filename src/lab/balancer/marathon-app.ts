// pure

/** What the balancer reads of `GET /v2/apps?embed=apps.tasks`; everything may be missing or null, by version. */
export interface MarathonApp {
  id: string;
  labels?: Record<string, string> | null;
  instances?: number;
  healthChecks?: MarathonHealthCheck[] | null;
  ports?: number[] | null;
  portDefinitions?: { port?: number | null }[] | null;
  networks?: { mode?: string }[] | null;
  ipAddress?: { discovery?: { ports?: { number?: number }[] | null } | null } | null;
  versionInfo?: { lastScalingAt?: string | null } | null;
  container?: {
    portMappings?: MarathonPortMapping[] | null;
    docker?: { network?: string | null; portMappings?: MarathonPortMapping[] | null } | null;
  } | null;
  tasks?: MarathonTask[] | null;
}

export interface MarathonPortMapping {
  containerPort?: number;
  hostPort?: number;
  servicePort?: number | null;
}

export interface MarathonHealthCheck {
  protocol: string;
  path?: string | null;
  port?: number | null;
  portIndex?: number | null;
  intervalSeconds: number;
  timeoutSeconds: number;
  gracePeriodSeconds: number;
  maxConsecutiveFailures: number;
}

export interface MarathonTask {
  id: string;
  host?: string | null;
  state?: string;
  ports?: number[] | null;
  ipAddresses?: { ipAddress?: string | null }[] | null;
  healthCheckResults?: { alive: boolean }[];
  /** Set by the rules for deployment groups: out of use. */
  isDraining?: boolean;
}
