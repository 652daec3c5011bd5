import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { renderReference } from './reference.ts';

const folder = resolve(import.meta.dirname, '../docs');
mkdirSync(folder, { recursive: true });
writeFileSync(resolve(folder, 'reference.md'), renderReference());
console.log('docs/reference.md written');
