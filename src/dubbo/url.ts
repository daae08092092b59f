import { err, ok, type Result } from '../lib/result.ts';

/** URL of a provider, consumer or rule, as Dubbo and Motan write them into registries. All text is decoded. */
export interface ServiceUrl {
  readonly protocol: string;
  /** Address without brackets, or a host name; empty if absent. */
  readonly host: string;
  /** Port number, or null if absent; 0 to 65535. */
  readonly port: number | null;
  /** Path without its leading slash: an interface, mostly. */
  readonly path: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Longest accepted URL. Real ones have some 500 characters; lists of methods may have thousands. */
const maxLength = 65_536;

/** Number of times that a value may be encoded. */
const maxRounds = 5;

/**
 * Parses a URL, which may be percent-encoded as a whole, as names of nodes are. Values that are still encoded are
 * decoded fully. The error says what is wrong, for operators.
 *
 * `+` means a space only in text that has percent signs: in other text nothing was encoded, so it is a plus.
 */
export function parseServiceUrl(text: string): Result<ServiceUrl, string> {
  if (text.length > maxLength) return err(`is longer than ${maxLength} characters`);
  const whole = text.includes('://') ? text : decodeOnce(text);
  if (whole === null) return err('is not properly percent-encoded');
  const [, protocol = '', rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(whole) ?? [];
  if (protocol === '') return err('is not a URL: it has no protocol');
  const queryAt = rest.indexOf('?');
  const address = queryAt < 0 ? rest : rest.slice(0, queryAt);
  const parameters = parseParameters(queryAt < 0 ? '' : rest.slice(queryAt + 1));
  if (!parameters.ok) return parameters;
  const pathAt = address.indexOf('/');
  const authority = parseAuthority(pathAt < 0 ? address : address.slice(0, pathAt));
  if (!authority.ok) return authority;
  const path = decodeFully(pathAt < 0 ? '' : address.slice(pathAt + 1));
  if (path === null) return err('its path is not properly percent-encoded');
  return ok({ protocol: protocol.toLowerCase(), ...authority.value, path, parameters: parameters.value });
}

/** Splits at `&` only. A part without `=` is its own value, as in Dubbo. */
function parseParameters(query: string): Result<ReadonlyMap<string, string>, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const key = decodeFully(at < 0 ? part : part.slice(0, at));
    const value = decodeFully(at < 0 ? part : part.slice(at + 1));
    if (key === null || value === null) return err(`its parameter '${shown(part)}' is not properly percent-encoded`);
    parameters.set(key, value);
  }
  return ok(parameters);
}

/**
 * Splits `user:password@host:port`. Dubbo writes IPv6 addresses with and without brackets; without them the text after
 * the last colon is the port.
 */
function parseAuthority(text: string): Result<Pick<ServiceUrl, 'host' | 'port'>, string> {
  const authority = decodeFully(text.slice(text.lastIndexOf('@') + 1));
  if (authority === null) return err('its address is not properly percent-encoded');
  const [, bracketed, plain = '', digits] = /^(?:\[([^\]]*)\]|(.*?))(?::([^:\]]*))?$/s.exec(authority) ?? [];
  const host = bracketed ?? plain;
  if (digits === undefined || digits === '') return ok({ host, port: null });
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  return port <= 65_535 ? ok({ host, port }) : err(`its port '${shown(digits)}' is no number from 0 to 65535`);
}

/** Decodes text until it is no longer encoded; null if it is malformed. */
function decodeFully(text: string): string | null {
  let decoded = text;
  for (let round = 0; decoded.includes('%'); round += 1) {
    const next = round < maxRounds ? decodeOnce(decoded) : null;
    if (next === null) return null;
    decoded = next;
  }
  return decoded;
}

/** Decodes as `java.net.URLDecoder` does; null if a percent sign is not followed by the hexadecimal form of UTF-8. */
function decodeOnce(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

const shown = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
