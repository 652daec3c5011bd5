import type { Clock } from '../lib/clock.ts';
import type { Directory } from './answers.ts';
import { refusalError } from './refusal.ts';
import { type RenewalInfo, readRenewalInfo } from './renewal-answer.ts';
import type { Transport } from './transport.ts';

/** Asks when a certificate should be renewed: no account, no signature, no nonce.
 * @param certId by renewalId()
 * @returns undefined when the CA does not speak of it
 * @source RFC 9773 4.1: the address of the resource, one slash, the id */
export function createRenewalInfo({
  directory,
  transport,
  clock,
}: {
  directory: () => Promise<Directory>;
  transport: Transport;
  clock: Clock;
}): (certId: string) => Promise<RenewalInfo | undefined> {
  return async (certId) => {
    const { renewalInfo } = await directory();
    if (renewalInfo === undefined) return undefined;
    const url = `${renewalInfo.replace(/\/+$/, '')}/${certId}`;
    const answer = await transport.send({ kind: 'renewalInfo', method: 'GET', url });
    if (answer.status >= 300) throw refusalError('the renewal information', url, answer, clock.nowMs());
    return readRenewalInfo(answer, url, clock.nowMs());
  };
}
