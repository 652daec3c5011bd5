import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listenersAt, parseServers } from '../../../src/haproxy/config-servers.ts';

const CONFIG = `
global
  maxconn 100
frontend web_10000
  bind *:10000
  use_backend web_10000

peers group
  server not-one 10.0.0.1:1
backend web_10000
  balance roundrobin
  server 10_0_0_5_31000 10.0.0.5:31000 id 24701 check inter 2s fall 4
  server 10_0_0_6_31000 10.0.0.6:31000 id 7 check inter 2s fall 4 disabled
  # server gone 10.0.0.9:1
listen six
  server a [2001:db8::5]:80 # disabled
  server b ipv6@2001:db8::5:81
  server "c d" 'agent.example':82
  server e\\ f unix@/run/x.sock disabled enabled
\tserver without-a-port 10.0.0.7
`;

describe('parseServers()', () => {
  it('finds the servers of backends and of nothing else', () => {
    const six = { backend: 'six', isDisabled: false };

    expect(parseServers(CONFIG)).toEqual([
      { backend: 'web_10000', name: '10_0_0_5_31000', address: '10.0.0.5', port: 31000, isDisabled: false },
      { backend: 'web_10000', name: '10_0_0_6_31000', address: '10.0.0.6', port: 31000, isDisabled: true },
      { ...six, name: 'a', address: '2001:db8::5', port: 80 },
      { ...six, name: 'b', address: '2001:db8::5', port: 81 },
      { ...six, name: 'c d', address: 'agent.example', port: 82 },
      { ...six, name: 'e f', address: 'unix@/run/x.sock', port: undefined },
      { ...six, name: 'without-a-port', address: '10.0.0.7', port: undefined },
    ]);
  });

  it.each(['', '\n\n', 'server a 10.0.0.1:1', 'no configuration at all'])('finds none in %j', (text) => {
    expect(parseServers(text)).toEqual([]);
  });

  it('takes any text', () => {
    const piece = fc.constantFrom(
      'backend b\n',
      '  server ',
      'a ',
      '1.2.3.4:5',
      '"',
      "'",
      '\\',
      '#',
      '\n',
      ' disabled',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        for (const server of parseServers(pieces.join(''))) expect(server.backend).toMatch(/^b/);
      }),
    );
  });
});

describe('listenersAt()', () => {
  it('names the lines that send to an address', () => {
    const servers = parseServers(CONFIG);

    expect(listenersAt(servers, { address: '10.0.0.6', port: 31000 })).toEqual(['web_10000/10_0_0_6_31000']);
    expect(listenersAt(servers, { address: '10.0.0.6', port: 31001 })).toEqual([]);
  });
});
