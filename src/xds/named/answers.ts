import { namedTypeUrls } from '../../proto/resource.ts';
import { bytesField, stringField } from '../../proto/wire.ts';
import { absentVersion } from '../tables/absent.ts';
import type { Interest } from '../tables/interest.ts';
import { responseHead } from '../wire/build-response.ts';
import type { Mode } from '../wire/response.ts';
import { findVirtualHost } from './virtual-hosts.ts';

/** What is said of one name: the virtual host that serves it, or that there is none. */
export interface HostAnswer {
  /** The name of the Resource that says it; several names may be said by one. */
  readonly resource: string;
  readonly version: string;
  /** Null: there is nothing of that name. */
  readonly body: Uint8Array | null;
}

/** Whether a request is answered: virtual hosts are only asked for by delta. */
export const answersNamed = (mode: Mode): boolean => mode === 'delta';

/** Says which virtual host there is for `<route configuration>/<host>`. */
export function answerHost(name: string, routes: Interest | null): HostAnswer {
  const absent = { resource: name, version: absentVersion, body: null };
  const { route, host } = splitHostName(name);
  const entry = routes?.get(route);
  const found = entry === undefined || host === '' ? null : findVirtualHost(entry.resource, host);
  if (found === null) return absent;
  return { resource: found.name, version: found.version, body: found.body };
}

/** Of `<route configuration>/<host>`. */
export function splitHostName(name: string): { readonly route: string; readonly host: string } {
  const at = name.lastIndexOf('/');
  return at < 0 ? { route: name, host: '' } : { route: name.slice(0, at), host: name.slice(at + 1) };
}

export interface AnswersMessage {
  readonly nonce: string;
  readonly version: string;
  readonly identifier: string;
  /** What is to be said, by the names that were asked for. */
  readonly answers: ReadonlyMap<string, HostAnswer>;
  /** Resources that the client has and nothing stands behind any more. */
  readonly gone: readonly string[];
}

/** A DeltaDiscoveryResponse with virtual hosts. Names that one resource answers are its aliases: each of them is waited for. */
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
