/**
 * The names that an error text speaks of, of those for which `isName` holds. Envoy writes a rejected configuration down before it
 * says what is wrong; of that only the name of the resource counts. Where names stand in front of what is said of each (`a: …`),
 * others in the text do not count. Reads the text once, however many names there are.
 */
export function namesIn(error: string, isName: (text: string) => boolean): ReadonlySet<string> {
  const { dumped, text } = split(error);
  const spokenOf = new Set(dumped !== null && isName(dumped) ? [dumped] : []);
  const others = new Set<string>();
  for (const [word] of text.matchAll(words)) {
    const bare = [word, word.replace(ends, ''), word.replace(starts, '').replace(ends, '')].find(isName);
    if (bare === undefined) continue;
    if (word.endsWith(':')) spokenOf.add(bare);
    else others.add(bare);
  }
  return spokenOf.size > 0 ? spokenOf : others;
}

/** What may be a name, with punctuation around it. */
const words = /[^\s"'`(),;<>{}=]+/g;
const starts = /^[[]+/;
const ends = /[\].:!?]+$/;

/** The name of the configuration that is written down, and the text without it. */
function split(error: string): { readonly dumped: string | null; readonly text: string } {
  const start = error.indexOf(dump);
  if (start < 0) return { dumped: null, text: error };
  const end = error.indexOf(violation, start);
  const written = error.slice(start, end < 0 ? undefined : end);
  const name = /(?:^|\s)(?:cluster_)?name: "([^"]*)"/.exec(written)?.[1] ?? null;
  return { dumped: name, text: error.slice(0, start) };
}

const dump = 'goo.gle/debug';
const violation = 'Proto constraint validation failed';
