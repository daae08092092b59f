/**
 * Returns the decisive sentence of a proxy's error text, in one line of at most 300 characters. Envoy writes the rejected
 * configuration before it, and a chain of messages whose innermost one has the reason.
 *
 * @param name the resource in question, if the text names several; empty otherwise.
 */
export function decisiveSentence(error: string, name: string): string {
  const own = name === '' ? error : partAbout(error, name);
  const violation = own.lastIndexOf(constraint);
  if (violation < 0 && own.startsWith(dump)) return cutOff;
  const sentence = violation < 0 ? own : innermost(own.slice(violation + constraint.length));
  const line = sentence.replace(/\s+/g, ' ').trim();
  return line.length > longestSentence ? `${line.slice(0, longestSentence - 1)}…` : line;
}

/** Returns true if a listener failed because of the proxy's machine: its port is taken, or may not be bound. */
export const isBindError = (error: string, name: string): boolean =>
  /cannot bind|failed to bind|Address already in use/i.test(partAbout(error, name));

const longestSentence = 300;
/** Start of the configuration that Envoy prints. It sends 4,096 characters at most. */
const dump = 'goo.gle/debug';
const cutOff =
  'it is against a constraint of its message; which one was cut off from the error text: see the log of the proxy';
const constraint = 'Proto constraint validation failed (';

/** `A.B: embedded message failed validation | caused by C.D: value must be …)` */
const innermost = (chain: string): string =>
  (chain.split('| caused by ').at(-1) ?? chain).replace(/\)\s*$/, '').replace('ValidationError.', '.');

/** Of `Error adding/updating listener(s) a: …` with a line, or a part between commas, for each name. */
function partAbout(error: string, name: string): string {
  const at = error.indexOf(`${name}: `);
  if (name === '' || at < 0) return error;
  const rest = error.slice(at + name.length + 2);
  const end = rest.search(/\n|, [\w.|:-]+: /);
  return end < 0 ? rest : rest.slice(0, end);
}
