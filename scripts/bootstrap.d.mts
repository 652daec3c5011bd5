export function planCommand(
  name: string | undefined,
  args?: readonly string[],
): { argv: string[]; tools: boolean; env: Record<string, string>; problem?: undefined } | { problem: string };
export function planPackages(seen: {
  lock: string;
  stamp?: string | undefined;
  installed?: string | undefined;
}): { do: 'keep' } | { do: 'stamp' } | { do: 'install'; reason: string };
export function lockHash(lock: string): string;
export function planTools(seen: {
  missing: readonly string[];
  hasApt: boolean;
  isRoot: boolean;
  canSudo: boolean;
}):
  | { do: 'nothing' }
  | { do: 'install'; packages: string[]; argv: string[] }
  | { do: 'stop'; sentence: string };
export function planNode(seen: {
  pinned?: string | undefined;
  running: string;
}): 'pinned' | 'running' | 'none';
export function planPath(root: string, path?: string): string;
