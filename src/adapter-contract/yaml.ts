import { parseDocument } from 'yaml';
import { err, ok, type Result } from '../lib/result.ts';

/** Size limit, because parsing a larger document would block the event loop. */
const maxCharacters = 262_144;
/** Maximum number of alias expansions, against "billion laughs" attacks. */
const maxAliases = 100;

/** Parses one document of YAML 1.1, as the libraries of Java read it. The error says what is wrong with it. */
export function parseOldYaml(text: string): Result<unknown, string> {
  if (text.length > maxCharacters) return err(`it has ${text.length} characters; the maximum is ${maxCharacters}`);
  const document = parseDocument(text, { version: '1.1', uniqueKeys: true });
  const [mistake] = document.errors;
  if (mistake !== undefined) return err(mistake.message.split('\n')[0] ?? 'it is no YAML');
  try {
    return ok(document.toJS({ maxAliasCount: maxAliases }));
  } catch (cause) {
    return err(cause instanceof Error ? cause.message : String(cause));
  }
}
