// pure

const MOST_ALIKE = 10;

/** A list of words in which many of the same in a row are told as one, for logs and the status. Pure.
 *   order (a thousand times), deliver → `order × 1000`, `deliver` */
export function inRuns(words: readonly string[]): string[] {
  const runs: { word: string; count: number }[] = [];
  for (const word of words) {
    const last = runs.at(-1);
    if (last?.word === word) last.count += 1;
    else runs.push({ word, count: 1 });
  }
  return runs.flatMap(({ word, count }) =>
    count > MOST_ALIKE ? [`${word} × ${count}`] : Array.from({ length: count }, () => word),
  );
}
