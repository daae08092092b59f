import { namedTypeUrls } from '../../proto/resource.ts';
import { bytesField, stringField } from '../../proto/wire.ts';
import { absentVersion } from '../tables/absent.ts';
import type { Interest } from '../tables/interest.ts';
import { responseHead } from '../wire/build-response.ts';
import type { Mode } from '../wire/response.ts';
import { findVirtualHost } from './virtual-hosts.ts';

/** Answer for one name: the virtual host that serves it, or that there is none. */
export interface HostAnswer {
  /** Name of the Resource. Several names may share one. */
  readonly resource: string;
  readonly version: string;
  /** Null: there is nothing of that name. */
  readonly body: Uint8Array | null;
}

/** Whether requests are answered: virtual hosts on demand exist in delta only. */
export const answersNamed = (mode: Mode): boolean => mode === 'delta';

/** Finds the virtual host for `<route configuration>/<host>`. */
export function answerHost(name: string, routes: Interest | null): HostAnswer {
  const absent = { resource: name, version: absentVersion, body: null };
  const { route, host } = splitHostName(name);
  const entry = routes?.get(route);
  const found = entry === undefined || host === '' ? null : findVirtualHost(entry.resource, host);
  if (found === null) return absent;
  return { resource: found.name, version: found.version, body: found.body };
}

/** Splits `<route configuration>/<host>`. */
export function splitHostName(name: string): { readonly route: string; readonly host: string } {
  const at = name.lastIndexOf('/');
  return at < 0 ? { route: name, host: '' } : { route: name.slice(0, at), host: name.slice(at + 1) };
}

export interface AnswersMessage {
  readonly nonce: string;
  readonly version: string;
  readonly identifier: string;
  /** Answers by requested name. */
  readonly answers: ReadonlyMap<string, HostAnswer>;
  /** Resources that the client has and to which no name refers any more. */
  readonly gone: readonly string[];
}

/** Encodes a DeltaDiscoveryResponse with virtual hosts. Names that share a resource are its aliases: Envoy waits for each. */
export function encodeAnswers({ nonce, version, identifier, answers, gone }: AnswersMessage): Uint8Array {
  const typeUrl = namedTypeUrls['virtual-host'];
  const parts: Uint8Array[] = [responseHead('delta', { version, typeUrl, nonce, identifier })];
  const said = new Map<string, { readonly answer: HostAnswer; readonly aliases: string[] }>();
  for (const [name, answer] of answers) {
    const one = said.get(answer.resource) ?? { answer, aliases: [] };
    one.aliases.push(name);
    said.set(answer.resource, one);
  }
  for (const { answer, aliases } of said.values()) {
    const { resource, body } = answer;
    const any = body === null ? [] : [bytesField(2, Buffer.concat([stringField(1, typeUrl), bytesField(2, body)]))];
    const names = [stringField(3, resource), ...aliases.map((alias) => stringField(4, alias))];
    parts.push(bytesField(2, Buffer.concat([stringField(1, answer.version), ...any, ...names])));
  }
  parts.push(...gone.map((name) => stringField(6, name))); // removed_resources
  return Buffer.concat(parts);
}
