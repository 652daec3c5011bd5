import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Bundle } from '../../../src/delivery/bundle.ts';
import { deliverByDirectory } from '../../../src/delivery/directory.ts';
import { certificatesIn, readDirectory } from '../../../src/delivery/directory-files.ts';
import type { Balancer } from '../../../src/haproxy/balancers.ts';
import { newDirectory, removeDirectories } from '../../support/certathon.ts';
import { certsFile, deliveryOf, failureOf, freshBundle } from '../../support/directory.ts';
import { type Line, toolsFor } from '../../support/directory-tools.ts';

const NAME = 'shop.example.com';
const FILE = `${NAME}.pem`;
afterAll(removeDirectories);

/** A directory with bundles, and one balancer that reads it when it is asked to; like HAProxy, all files or none.
 * @param meanwhile what somebody else does before the balancer reads */
async function shared(former: Record<string, Bundle>, meanwhile: (path: string) => void) {
  const path = join(newDirectory(), 'shared');
  for (const each of ['certs', 'staging', 'replaced']) mkdirSync(join(path, each), { recursive: true });
  writeFileSync(join(path, 'default.pem'), freshBundle('default.example.com').pem);
  for (const [file, { pem }] of Object.entries(former)) writeFileSync(certsFile(path, file), pem);
  const balancer: Balancer = {
    id: 'lb.1',
    host: '127.0.0.1',
    tlsPort: 443,
    adminPort: 9090,
    version: undefined,
    isAlive: undefined,
  };
  let loaded = await certificatesIn(path);
  const { tools, lines } = toolsFor(() => [balancer], {
    handshake: async (_balancer, name) => {
      const fingerprint = loaded.find(({ names }) => names.includes(name))?.fingerprint ?? 'the default one';
      return { fingerprint, issuer: '', serial: '', notAfter: new Date() };
    },
    requestReload: async () => {
      meanwhile(path);
      const { files } = await readDirectory(path).catch(() => ({ files: [] }));
      const isGood = files.every(({ content }) => content.kind === 'certificate');
      if (isGood && files.length > 0) loaded = await certificatesIn(path);
      return { kind: 'sent' };
    },
    pidsOf: async () => [1],
    limits: { reloadWaitMs: 500, verifyMs: 1_500 },
  });
  return { path, tools, lines };
}

const held = (path: string) =>
  Object.fromEntries(
    readdirSync(join(path, 'certs')).map((file) => [file, readFileSync(certsFile(path, file), 'utf8')]),
  );
const asked = (lines: readonly Line[]) =>
  lines.filter(({ event }) => event === 'balancer.reload-requested').length;

test('a bundle that somebody else puts in the place of ours is noticed, and left there', async () => {
  const [ours, theirs] = [freshBundle(NAME), freshBundle(NAME)];
  for (const former of [{}, { [FILE]: freshBundle(NAME) }]) {
    const { path, tools, lines } = await shared(former, (at) =>
      writeFileSync(certsFile(at, FILE), theirs.pem),
    );

    const error = await failureOf(
      deliverByDirectory(deliveryOf(path, [{ file: FILE, bundle: ours }]), tools),
    );

    expect(error).toMatchObject({ code: 'DELIVERY_OVERTAKEN' });
    expect(error.message).toContain(certsFile(path, FILE));
    expect(held(path)).toEqual({ [FILE]: theirs.pem });
    expect(asked(lines)).toBe(1);
  }
});

test('a file of ours that is taken out while the balancers read it is noticed', async () => {
  const ours = freshBundle(NAME);
  const { path, tools } = await shared({ [FILE]: freshBundle(NAME) }, (at) =>
    rmSync(certsFile(at, FILE), { force: true }),
  );

  const error = await failureOf(deliverByDirectory(deliveryOf(path, [{ file: FILE, bundle: ours }]), tools));

  expect(error.code).toBe('DELIVERY_OVERTAKEN');
  expect(held(path)).toEqual({});
});

test('a directory that vanishes while the balancers read it is named', async () => {
  const ours = freshBundle(NAME);
  const { path, tools } = await shared({ [FILE]: freshBundle(NAME) }, (at) =>
    rmSync(at, { recursive: true, force: true }),
  );

  const error = await failureOf(deliverByDirectory(deliveryOf(path, [{ file: FILE, bundle: ours }]), tools));

  expect(error.code).toBe('DIRECTORY_UNUSABLE');
  expect(error.message).toContain(path);
});

test('what somebody else put where a file was taken out stays, when the change is taken back', async () => {
  const [ours, former] = [freshBundle(NAME), freshBundle(NAME)];
  const [gone, theirs] = [freshBundle('www.example.com'), freshBundle('www.example.com')];
  const { path, tools } = await shared({ [FILE]: former, 'www.pem': gone }, (at) => {
    // HAProxy refuses ours, and somebody fills the other place again.
    if (readFileSync(certsFile(at, FILE), 'utf8') === ours.pem)
      writeFileSync(certsFile(at, FILE), 'torn off');
    writeFileSync(certsFile(at, 'www.pem'), theirs.pem);
  });

  const delivery = deliveryOf(path, [{ file: FILE, bundle: ours }], { remove: ['www.pem'] });
  const error = await failureOf(deliverByDirectory(delivery, tools));

  expect(error).toMatchObject({ code: 'DELIVERY_NOT_SERVED', facts: { isPutBack: true } });
  expect(held(path)).toEqual({ [FILE]: former.pem, 'www.pem': theirs.pem });
});
