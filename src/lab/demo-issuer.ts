import { connect } from 'node:tls';
import type { Lab } from './cluster.ts';

/** Who issued what the front serves for a name. @param ca to verify against; the handshake fails when it does not */
export function issuerAt(lab: Lab, name: string, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: lab.front.address,
        port: lab.ports.https,
        servername: name,
        ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      },
      () => {
        const { issuer, subject, valid_to: until } = socket.getPeerCertificate();
        socket.end();
        resolve(
          `issuer ${issuer.CN ?? issuer.O ?? '-'}, subject ${subject.CN ?? subject.O ?? '-'}, until ${until}`,
        );
      },
    );
    socket.setTimeout(10_000, () => socket.destroy(new Error('No TLS handshake within 10 s')));
    socket.once('error', reject);
  });
}
