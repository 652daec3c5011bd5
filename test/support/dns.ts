import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A DNS server that knows the names it is given, IPv4 and IPv6, and says NXDOMAIN for all others. */
export interface TestDns {
  /** `127.0.0.1:PORT`. */
  server: string;
  names: Map<string, string[]>;
  close(): Promise<void>;
}

const A = 1;
const AAAA = 28;
const HEADER = 12;

export async function startDns(): Promise<TestDns> {
  const socket = createSocket('udp4');
  const names = new Map<string, string[]>();
  socket.on('message', (query, { address, port }) => {
    const { name, type, end } = question(query);
    const known = names.get(name);
    const answers = (known ?? []).flatMap((each) =>
      (each.includes(':') ? AAAA : A) === type ? [record(each)] : [],
    );
    const header = Buffer.from(query.subarray(0, HEADER));
    // Response, recursion available; code 3 is "no such name" (RFC 1035 4.1.1).
    header.writeUInt16BE(0x8180 | (known === undefined ? 3 : 0), 2);
    header.writeUInt16BE(answers.length, 6);
    header.fill(0, 8);
    socket.send(Buffer.concat([header, query.subarray(HEADER, end), ...answers]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    server: `127.0.0.1:${socket.address().port}`,
    names,
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** An answer for the name of the question (a pointer to byte 12), class IN, a minute to live. */
function record(address: string): Buffer {
  const isSix = address.includes(':');
  const data = isSix ? sixteenBytes(address) : Buffer.from(address.split('.').map(Number));
  const head = Buffer.from([0xc0, HEADER, 0, isSix ? AAAA : A, 0, 1, 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([head, data]);
}

function sixteenBytes(address: string): Buffer {
  const [left = '', right = ''] = address.split('::');
  const groups = (text: string) => text.split(':').filter((group) => group !== '');
  const missing = 8 - groups(left).length - groups(right).length;
  const all = [...groups(left), ...Array.from({ length: missing }, () => '0'), ...groups(right)];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of all.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return bytes;
}
