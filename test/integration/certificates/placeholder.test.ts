import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createPlaceholder, isPlaceholder } from '../../../src/certificates/placeholder.ts';
import { planCertificate } from '../../../src/certificates/plan.ts';
import { readVariable, toVariable } from '../../../src/delivery/variable.ts';
import { makeBundle } from '../../support/bundles.ts';
import { NOW, observation, policy } from '../../support/observations.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const names = ['shop.example.com', 'www.example.com'];

it('a real HAProxy loads the placeholder', async () => {
  const { pem } = await createPlaceholder(names, 'abcdef0123456789', new Date());
  const certificate = join(directory.path, 'placeholder.pem');
  const config = join(directory.path, 'haproxy.cfg');
  writeFileSync(certificate, pem);
  writeFileSync(
    config,
    `defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\nfrontend f\n  bind 127.0.0.1:1 ssl crt ${certificate}\n`,
  );

  const check = spawnSync('haproxy', ['-c', '-f', config], { encoding: 'utf8' });

  expect([check.status, check.stderr]).toEqual([0, expect.not.stringContaining('ALERT')]);
});

it('the placeholder is recognised in the variable, serves its names, and lasts for years', async () => {
  const { pem } = await createPlaceholder(names, 'abcdef0123456789', NOW);

  const content = readVariable(toVariable(pem));

  if (content.kind !== 'certificate') throw new Error(content.kind);
  expect(isPlaceholder(content.facts)).toBe(true);
  expect(content.facts.names).toEqual(names);
  expect(content.facts.notAfter.getTime() - NOW.getTime()).toBe(3650 * 86_400_000);
});

it('the placeholder is never adopted, and replaced without being asked, whatever it covers', async () => {
  const { facts } = await createPlaceholder(['other.example.com', ...names], '01', NOW);
  const seen = observation({
    names,
    stored: undefined,
    state: { kind: 'certificate', facts, ours: false, placeholder: isPlaceholder(facts) },
  });

  const { steps, problems } = planCertificate(seen, policy());

  expect(steps.map((step) => step.do)).toEqual(['order', 'deliver']);
  expect(problems).toEqual([]);
});

it('somebody else’s certificate is no placeholder', () => {
  const named = { issuer: 'O=Certathon placeholder', selfSigned: false };

  expect(isPlaceholder(makeBundle({ selfSigned: true }).bundle.facts)).toBe(false);
  expect(isPlaceholder(named)).toBe(false);
});
