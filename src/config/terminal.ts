/** Whether what stands there can be drawn over: a terminal that knows how to move its cursor. */
export function isDrawable(
  stream: { isTTY?: boolean | undefined },
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  return stream.isTTY === true && !['', 'dumb', undefined].includes(env.TERM);
}
