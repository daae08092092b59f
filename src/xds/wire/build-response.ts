import { type EncodedResource, recordParts, typeRows, typeUrls } from '../../proto/resource.ts';
import { bytesField, lengthOf, stringField } from '../../proto/wire.ts';
import { absentResource } from '../tables/absent.ts';
import type { Interest } from '../tables/interest.ts';
import type { Revision } from '../tables/table.ts';
import { joinSmall } from './parts.ts';
import type { Mode, Response } from './response.ts';

/** Contents of a response, decided by `next.ts`. */
export interface ResponseContents {
  readonly mode: Mode;
  readonly nonce: string;
  readonly revision: Revision;
  readonly changeRevision: Revision | null;
  /** Names to send, present or not. */
  readonly names: readonly string[];
  /** Subset of `names`, sent whatever the client may have. */
  readonly mustSend: readonly string[];
  /** Names that the client has and is to lose. */
  readonly removals: readonly string[];
  /** True to send the whole set in place of `names` (SotW). */
  readonly whole: boolean;
  /**
   * Substitutes of rejected resources (null: left out), and in whole sets deferred removals. In whole sets it has none of
   * `names`, except in a trial.
   */
  readonly substitutes: ReadonlyMap<string, EncodedResource | null>;
  readonly addsNames: boolean;
  /** Name of this control plane, for people: `StreamContext.identifier`. */
  readonly identifier: string;
}

/** Assembles a response from records. Encodes nothing but the head. */
export function buildResponse(interest: Interest, contents: ResponseContents): Response {
  const { mode, nonce, revision, names, addsNames, identifier } = contents;
  const version = `${revision}`;
  const head = responseHead(mode, { version, typeUrl: typeUrls[interest.type], nonce, identifier });
  const body = mode === 'delta' ? deltaBody(interest, contents) : sotwBody(interest, contents);
  const parts = joinSmall([head, ...body]);
  return {
    type: interest.type,
    nonce,
    label: { nonce, version, subscribed: interest.wildcard ? null : interest.names },
    revision,
    changeRevision: contents.changeRevision,
    parts,
    byteLength: lengthOf(parts),
    whole: contents.whole,
    updated: names,
    mustSend: contents.mustSend,
    removed: contents.removals,
    addsNames,
    knownAcks: [],
    framed: null,
  };
}

/** Fields of a response besides its resources. An empty identifier is omitted. */
export function responseHead(
  mode: Mode,
  head: { readonly version: string; readonly typeUrl: string; readonly nonce: string; readonly identifier: string },
): Buffer {
  const fields = [stringField(1, head.version), stringField(4, head.typeUrl), stringField(5, head.nonce)];
  // ControlPlane { identifier }: field 6 of a DiscoveryResponse, where a DeltaDiscoveryResponse has removed names.
  if (head.identifier !== '') fields.push(bytesField(mode === 'sotw' ? 6 : 7, stringField(1, head.identifier)));
  return Buffer.concat(fields);
}

function deltaBody(interest: Interest, { names, removals, substitutes }: ResponseContents): Uint8Array[] {
  const whole = removals.length + substitutes.size === 0 ? wholeBodies(interest, names, 'delta') : null;
  if (whole !== null) return whole;
  const records: Uint8Array[] = [];
  const gone = new Set<string>();
  for (const name of names) {
    const resource = resourceFor(interest, name, substitutes);
    if (resource !== null) records.push(...recordParts(resource, 'delta'));
    else if (!substitutes.has(name)) gone.add(name);
  }
  for (const name of removals) {
    const substitute = removalResource(interest, name);
    if (substitute !== null) records.push(...recordParts(substitute, 'delta'));
    else gone.add(name);
  }
  return [...records, ...[...gone].map((name) => stringField(6, name))]; // removed_resources
}

/** Null: nothing is sent for the name. */
function resourceFor(
  interest: Interest,
  name: string,
  substitutes: ResponseContents['substitutes'],
): EncodedResource | null {
  const substitute = substitutes.get(name);
  const resource = substitute === undefined ? interest.get(name)?.resource : substitute;
  return resource ?? absentResource(interest.type, name);
}

function sotwBody(interest: Interest, contents: ResponseContents): Uint8Array[] {
  if (contents.whole) return wholeSet(interest, contents);
  const isPlain = contents.removals.length + contents.substitutes.size === 0;
  const whole = isPlain ? wholeBodies(interest, contents.names, 'sotw') : null;
  if (whole !== null) return whole;
  const records: Uint8Array[] = [];
  for (const name of contents.names) {
    const resource = resourceFor(interest, name, contents.substitutes);
    if (resource !== null) records.push(...recordParts(resource, 'sotw'));
  }
  for (const name of contents.removals) {
    const substitute = removalResource(interest, name);
    if (substitute !== null) records.push(...recordParts(substitute, 'sotw'));
  }
  return records;
}

function wholeSet(interest: Interest, { names, substitutes }: ResponseContents): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (const name of names) {
    const substitute = interest.get(name) === undefined ? absentResource(interest.type, name) : null;
    if (substitute !== null) records.push(...recordParts(substitute, 'sotw'));
  }
  if (substitutes.size === 0 && interest.isWhole()) {
    return [...interest.tables.flatMap((table) => table.wholeBody('sotw')), ...records];
  }
  for (const name of interest.present()) {
    const resource = substitutes.has(name) ? substitutes.get(name) : interest.get(name)?.resource;
    if (resource !== null && resource !== undefined) records.push(...recordParts(resource, 'sotw'));
  }
  for (const [name, resource] of substitutes) {
    if (resource !== null && interest.get(name) === undefined) records.push(...recordParts(resource, 'sotw'));
  }
  return records;
}

/** Bodies of the whole tables, if `names` are all of their names: shared by all streams. */
function wholeBodies(interest: Interest, names: readonly string[], mode: Mode): Uint8Array[] | null {
  const size = interest.tables.reduce((sum, table) => sum + table.size, 0);
  if (names.length !== size || size < 2 || !interest.isWhole()) return null;
  if (!names.every((name) => interest.get(name) !== undefined)) return null;
  return interest.tables.flatMap((table) => table.wholeBody(mode));
}

/**
 * Resource that expresses a removal: an empty assignment, or the client would keep sending there; null for the other types,
 * which use `removed_resources`. An empty route configuration would break requests while its listener drains.
 */
function removalResource(interest: Interest, name: string): EncodedResource | null {
  return typeRows[interest.type].gone === 'empty' ? absentResource(interest.type, name) : null;
}
