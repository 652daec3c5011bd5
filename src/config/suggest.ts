// pure

/** The known name that a misspelt one most likely means, or undefined when none is near (a third of the
 * letters may differ). Case and the signs between words do not count. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = plain(name);
  if (wanted.length > 100) return undefined;
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(wanted, plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  const isNear = best !== undefined && best.distance <= Math.max(2, Math.floor(wanted.length / 3));
  return isNear ? best.candidate : undefined;
}

function plain(name: string): string {
  return name
    .replace(/^CERTATHON_/, '')
    .replace(/[-_]/g, '')
    .toLowerCase();
}

/** Levenshtein's distance, row by row. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
