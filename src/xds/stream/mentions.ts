/**
 * Finds the names in an error text for which `isName` holds. Envoy may print the rejected configuration before the reason; of
 * it only the name of the resource counts. If names precede their reasons (`a: …`), other names in the text do not count.
 * Reads the text once, however many names exist.
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

/** A possible name, with punctuation around it. */
const words = /[^\s"'`(),;<>{}=]+/g;
const starts = /^[[]+/;
const ends = /[\].:!?]+$/;

/** Splits the text into the name in the printed configuration and the rest. */
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
