// pure
import { type LabelledApp, labelOf } from '../haproxy/groups.ts';
import { printable } from '../lib/printable.ts';
import type { CertificateChoice, RefusedName } from './model.ts';

/** What labels may choose among: only what the operator configured. */
export interface AllowedChoices {
  keyTypes: readonly string[];
  profiles: readonly string[];
  /** Labels name a CA; its address is the operator's. */
  cas: readonly { name: string; directoryUrl: string }[];
  /** What holds without a label; it may always be asked for, and is no choice then. */
  defaults: {
    keyType?: string | undefined;
    profile?: string | undefined;
    directoryUrl?: string | undefined;
  };
}

export interface PortOptions {
  /** False: the port asks for no certificate. */
  isEnabled: boolean;
  choice: CertificateChoice;
  refused: readonly RefusedName[];
}

const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', '0'].map((word) => [word, false] as const),
]);

/** What the labels of an app choose for the certificates of one port. Pure.
 *
 * `CERTATHON_{n}_KEY_TYPE` and so on, else the same without the index for all ports: KEY_TYPE, PROFILE, CA (by
 * name), CERTIFICATE (`own` or `shared`), ENABLED. Upper and lower case are one, blank is as good as absent. What
 * is not allowed is reported and changes nothing: the names keep the operator's defaults. */
export function portOptions(app: LabelledApp, index: number, allowed: AllowedChoices): PortOptions {
  if (!hasOptions(app)) return NO_OPTIONS;
  const refused: RefusedName[] = [];
  const read = <Value>(option: string, values: ReadonlyMap<string, Value>): Value | undefined => {
    const label = [`CERTATHON_${index}_${option}`, `CERTATHON_${option}`].find(
      (name) => (labelOf(app, name) ?? '').trim() !== '',
    );
    if (label === undefined) return undefined;
    const text = (labelOf(app, label) as string).trim();
    const value = values.get(text.toLowerCase());
    if (value === undefined) {
      const choices = [...values.keys()].join(', ') || 'none';
      const reason = `choices that the operator allows: ${choices}`;
      refused.push({
        name: printable(text, 100),
        source: `label ${label} of ${app.id}`,
        reason,
        option: true,
      });
    }
    return value;
  };
  const { defaults } = allowed;
  const keyType = read('KEY_TYPE', spelt(allowed.keyTypes, defaults.keyType));
  const profile = read('PROFILE', spelt(allowed.profiles, defaults.profile));
  const directoryUrl = read(
    'CA',
    new Map(allowed.cas.map((ca) => [ca.name.toLowerCase(), ca.directoryUrl] as const)),
  );
  const certificate = read('CERTIFICATE', spelt(['own', 'shared'], undefined));
  return {
    isEnabled: read('ENABLED', SWITCHES) ?? true,
    choice: {
      ...(keyType === undefined || keyType === defaults.keyType ? {} : { keyType }),
      ...(profile === undefined || profile === defaults.profile ? {} : { profile }),
      ...(directoryUrl === undefined || directoryUrl === defaults.directoryUrl ? {} : { directoryUrl }),
      ...(certificate === 'own' ? { own: true as const } : {}),
    },
    refused,
  };
}

/** Of thousands of apps nearly all choose nothing. */
const NO_OPTIONS: PortOptions = Object.freeze({ isEnabled: true, choice: Object.freeze({}), refused: [] });

function hasOptions({ labels }: LabelledApp): boolean {
  for (const name in labels) if (name.startsWith('CERTATHON_') && !name.endsWith('_DOMAIN')) return true;
  return false;
}

/** The operator's spelling by what a label may write. */
function spelt(values: readonly string[], byDefault: string | undefined): ReadonlyMap<string, string> {
  const all = byDefault === undefined ? values : [byDefault, ...values];
  return new Map(all.map((value) => [value.toLowerCase(), value]));
}
