import { err, ok, type Result } from '../lib/result.ts';
import { type Hostname, hostname } from '../model/names.ts';

/** Parts of a hostname by placeholder; an absent part is an empty text. */
export type NameParts = Readonly<Record<string, string>>;

/**
 * Template of hostnames: `{interface}.{group}.{version}.dubbo`. Every list of parts has a hostname of its own, from
 * which they can be read back.
 */
export interface HostnameTemplate {
  readonly prefix: string;
  /** Placeholder whose value stands first and is never empty. */
  readonly first: string;
  /** Further placeholders, in their order. Their values are marked by the first letter: `g-`, `v-`. */
  readonly marked: readonly string[];
  readonly suffix: string;
}

const literalPattern = /^[a-z0-9.-]*$/;

/**
 * Parses a template that has all placeholders, of which the first comes first. Others follow it, with a dot before
 * each; they vanish where their value is empty.
 */
export function parseHostnameTemplate(
  text: string,
  [first, ...others]: readonly [string, ...string[]],
): Result<HostnameTemplate, string> {
  const form = `[text]{${first}}${others.map((name) => `.{${name}}`).join('')}[text]`;
  const [prefix = '', suffix = '', ...more] = text.split(/\{.*\}/s);
  const marked = (/\{.*\}/s.exec(text)?.[0] ?? '').slice(1, -1).split('}.{');
  const sameNames = [first, ...others].toSorted().join() === marked.toSorted().join();
  if (more.length > 0 || marked[0] !== first || !sameNames) return err(`must have the form ${form}`);
  if (!literalPattern.test(prefix) || !literalPattern.test(suffix))
    return err('must have only lower-case letters, digits, dots and hyphens outside of braces');
  return ok({ prefix, first, marked: marked.slice(1), suffix });
}

/** Builds a hostname; the error says why there is none. */
export function formatHostname(template: HostnameTemplate, parts: NameParts): Result<Hostname, string> {
  const value = parts[template.first] ?? '';
  if (value === '') return err(`its ${template.first} is empty`);
  const marked = template.marked.flatMap((name) => {
    const part = parts[name] ?? '';
    return part === '' ? [] : [`.${markerOf(name)}${escapePart(part)}`];
  });
  const text = [template.prefix, escapePart(value), ...marked, template.suffix].join('');
  if (text.length > 253) return err(`its hostname would have ${text.length} characters; 253 are possible`);
  return ok(hostname(text));
}

/** Reads the parts of a hostname back; null if the template does not build this hostname. */
export function readHostname(template: HostnameTemplate, host: string): NameParts | null {
  const { prefix, suffix, first, marked } = template;
  if (!host.startsWith(prefix) || !host.endsWith(suffix)) return null;
  let rest = host.slice(prefix.length, host.length - suffix.length);
  const parts: Record<string, string> = {};
  for (const name of marked.toReversed()) {
    const at = rest.indexOf(`.${markerOf(name)}`);
    parts[name] = at < 0 ? '' : unescapePart(rest.slice(at + 1 + markerOf(name).length));
    if (at >= 0) rest = rest.slice(0, at);
  }
  parts[first] = unescapePart(rest);
  const built = formatHostname(template, parts);
  return built.ok && built.value === host ? parts : null;
}

const markerOf = (placeholder: string): string => `${placeholder[0]}-`;

/**
 * Escapes text for DNS names: a capital letter `G` becomes `_g`, an underscore two, any other byte of UTF-8 `_0` and two
 * hexadecimal digits. Hyphens are escaped where a label could not have them, or would look like a marker; dots where
 * a label would be empty.
 */
function escapePart(text: string): string {
  return [...text]
    .map((character, index, all) => {
      if (/[a-z0-9]/.test(character)) return character;
      if (/[A-Z]/.test(character)) return `_${character.toLowerCase()}`;
      if (character === '_') return '__';
      if (character === '.' && isInside(all, index)) return '.';
      if (character === '-' && isInside(all, index) && !isMarker(all, index)) return '-';
      return [...new TextEncoder().encode(character)].map((byte) => `_0${byte.toString(16).padStart(2, '0')}`).join('');
    })
    .join('');
}

/** Reports whether a dot or hyphen has other characters than dots on both sides. */
const isInside = (all: readonly string[], index: number): boolean =>
  [all[index - 1], all[index + 1]].every((neighbour) => neighbour !== undefined && neighbour !== '.');

/** Reports whether a hyphen follows the only letter of its label so far, as in `g-`. */
const isMarker = (all: readonly string[], index: number): boolean =>
  /[a-z]/.test(all[index - 1] ?? '') && (index === 1 || all[index - 2] === '.');

function unescapePart(text: string): string {
  const bytes = [...text.matchAll(/_0([0-9a-f]{2})|_([a-z_])|(.)/gs)].map(([, hex, letter, plain = '']) =>
    hex === undefined ? (letter?.toUpperCase() ?? plain).charCodeAt(0) : Number.parseInt(hex, 16),
  );
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(bytes));
}
