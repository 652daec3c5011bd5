import { request } from 'undici';

/** The names that the authority's validation sees. Every name not set here has the front's address. */
export interface LabDns {
  setA(host: string, addresses: readonly string[]): Promise<void>;
  clearA(host: string): Promise<void>;
  setAaaa(host: string, addresses: readonly string[]): Promise<void>;
  clearAaaa(host: string): Promise<void>;
  setServfail(host: string): Promise<void>;
  clearServfail(host: string): Promise<void>;
  setCname(host: string, target: string): Promise<void>;
  setDefaultAddress(address: string): Promise<void>;
  /** Questions about a name so far: record type and name as asked. */
  history(host: string): Promise<DnsQuestion[]>;
}

export interface DnsQuestion {
  /** Record type as DNS numbers it: 1 = A, 28 = AAAA, 257 = CAA. */
  type: number;
  name: string;
}

/** Client of pebble-challtestsrv's management interface.
 * @param managementUrl `http://address:port` */
export function labDns(managementUrl: string): LabDns {
  const post = async (path: string, body: object): Promise<string> => {
    const answer = await request(`${managementUrl}/${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`challtestsrv ${path}: ${answer.statusCode} ${text}`);
    return text;
  };
  const tell = async (path: string, body: object): Promise<void> => {
    await post(path, body);
  };
  return {
    setA: (host, addresses) => tell('add-a', { host: dotted(host), addresses }),
    clearA: (host) => tell('clear-a', { host: dotted(host) }),
    setAaaa: (host, addresses) => tell('add-aaaa', { host: dotted(host), addresses }),
    clearAaaa: (host) => tell('clear-aaaa', { host: dotted(host) }),
    setServfail: (host) => tell('set-servfail', { host: dotted(host) }),
    clearServfail: (host) => tell('clear-servfail', { host: dotted(host) }),
    setCname: (host, target) => tell('set-cname', { host: dotted(host), target: dotted(target) }),
    setDefaultAddress: (ip) => tell('set-default-ipv4', { ip }),
    history: async (host) => {
      const seen = JSON.parse(await post('dns-request-history', { host: host.replace(/\.$/, '') })) as
        | { Question: { Qtype: number; Name: string } }[]
        | null;
      return (seen ?? []).map(({ Question }) => ({ type: Question.Qtype, name: Question.Name }));
    },
  };
}

function dotted(host: string): string {
  return host.endsWith('.') ? host : `${host}.`;
}
