// pure

/** The ways to tell Marathon who we are, by the options that make one. */
const WAYS = [['marathonUser', 'marathonPassword'], ['marathonToken'], ['dcosServiceAccount']];

/** What is wrong with the credentials taken together, in sentences: which of several is meant would be a guess.
 * Pure.
 * @param sources where each value that was given came from */
export function credentialProblems(
  { marathonUser }: Readonly<Record<string, unknown>>,
  sources: Readonly<Record<string, string>>,
): string[] {
  const place = (name: string) => `${name} (${sources[name]})`;
  const [first, ...rivals] = WAYS.flatMap((names) => names.find((name) => sources[name] !== undefined) ?? []);
  const problems = rivals.map(
    (rival) => `${place(first as string)} and ${place(rival)} are both set; give one of them`,
  );
  if (typeof marathonUser === 'string' && marathonUser.includes(':'))
    problems.push(`${place('marathonUser')} has a colon, which ends the user in basic authentication`);
  return problems;
}
