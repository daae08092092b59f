import type { Compiler } from '../compile/contract.ts';
import type { Logger } from '../lib/logger.ts';
import type { PartVersion, RejectedVersion } from '../xds/isolation/known-rejections.ts';
import { partitionOf } from '../xds/isolation/partition.ts';
import { decisiveSentence, isBindError } from '../xds/stream/error-text.ts';
import type { RequestOutcome } from '../xds/stream/receive.ts';
import type { Revision } from '../xds/tables/table.ts';
import type { Response } from '../xds/wire/response.ts';
import type { Client } from './client.ts';
import { originsToCorrect } from './quarantine/origins-to-correct.ts';
import type { Quarantine } from './quarantine/quarantine.ts';
import { violationOf } from './quarantine/violation.ts';
import type { ServedLayers } from './served-layers.ts';

type RejectedOutcome = Extract<RequestOutcome, { kind: 'rejected' }>;

export interface RejectionParts {
  readonly compiler: Pick<Compiler, 'partsOf'>;
  readonly quarantine: Quarantine;
  readonly log: Logger;
  /** All connected clients: some may have accepted what another rejects. */
  readonly clients: Iterable<Client>;
  /** Revision of a rule's last change. */
  readonly revisionOf: (origin: string) => Revision;
}

/** Logs and records the rejected parts, and finds the rules that must be corrected. */
export function recordRejection(client: Client, outcome: RejectedOutcome, parts: RejectionParts): void {
  const { type, error, rejectedNames, rejectedVersions, isSearching, response } = outcome;
  const proxy = client.proxy.id;
  const warn = (facts: object, message: string) => {
    if (client.mayLog()) parts.log.warn(facts, message);
  };
  const originsOf = (name: string, part: string) => {
    const made = client.appliedLayers.flatMap(({ key }) => [...parts.compiler.partsOf(key, type, name)]);
    const matching = made.filter((it) => part === '' || it.part === part || it.part === '');
    return [...new Set(matching.flatMap(({ origins }) => origins))];
  };
  const toCorrectFor = ({ name, part }: RejectedVersion) =>
    originsToCorrect({
      origins: originsOf(name, part),
      acceptedThrough: client.stream.types.get(type)?.filters?.get(name)?.since ?? 0,
      revisionOf: parts.revisionOf,
    });
  // Endpoints come from no rule, and a rejection of them says nothing about other proxies: they are never quarantined.
  const quarantined = rejectedVersions.filter((part) => part.type !== 'endpoint');
  const state = client.stream.types.get(type);
  parts.quarantine.rejected(client, quarantined, {
    originsToCorrect: toCorrectFor,
    violationOf: (part) => violationOf(part, state?.interest?.get(part.name)?.resource),
  });
  for (const part of quarantined) recordAcceptedElsewhere(client, part, parts);
  for (const part of rejectedVersions) {
    const rules = parts.quarantine.get(part)?.toCorrect ?? [];
    const virtualHost = part.part === '' ? {} : { virtualHost: part.part };
    const reason = decisiveSentence(part.error, rejectedNames.length > 0 ? part.name : '');
    warn({ proxy, type, resource: part.name, ...virtualHost, rules, reason }, 'resource rejected by proxy');
  }
  for (const resource of rejectedNames.filter((name) => isBindError(error, name))) {
    warn({ proxy, resource, reason: decisiveSentence(error, resource) }, 'listener not bound by proxy');
  }
  if (isSearching || rejectedVersions.length + rejectedNames.length > 0) return;
  const resources = response.updated.slice(0, maxNames);
  warn({ proxy, type, resources, reason: decisiveSentence(error, '') }, 'response rejected by proxy');
}

/** Records a proxy of the same kind that has accepted the version: then the version is not at fault, and new proxies are sent it. */
function recordAcceptedElsewhere(rejecting: Client, part: PartVersion, { quarantine, clients }: RejectionParts): void {
  const kind = rejecting.proxy.client;
  if (quarantine.get(part)?.acceptedBy.has(kind) === true) return;
  for (const client of clients) {
    if (client === rejecting || client.proxy.client !== kind || !hasAccepted(client, part)) continue;
    quarantine.accepted(client, part);
    return;
  }
}

function hasAccepted({ stream }: Client, { type, name, part, hash }: PartVersion): boolean {
  const state = stream.types.get(type);
  const entry = state?.interest?.get(name);
  if (state === undefined || entry === undefined || entry.changed > state.acknowledged) return false;
  const isUncertain = state.search !== null || state.uncertain.some(({ names }) => names.includes(name));
  if (isUncertain || state.rejectedResources?.has(name) === true) return false;
  if (state.filters?.get(name)?.rejected.get(part)?.hash === hash) return false;
  return partitionOf(type, entry.resource).parts.get(part)?.hash === hash;
}

/** Limit on logged names of a response that was rejected as a whole. */
const maxNames = 20;

/** Records that a client accepted versions that others reject. */
export function recordAcceptance(client: Client, response: Response, quarantine: Quarantine): void {
  const { type } = response;
  const state = client.stream.types.get(type);
  if (state === undefined || state.search !== null) return; // not all of the response has been sent yet
  for (const finding of quarantine.parts()) {
    if (finding.type !== type || !response.updated.includes(finding.name)) continue;
    const rejected = state.filters?.get(finding.name)?.rejected.get(finding.part);
    const resource = rejected?.hash === finding.hash ? undefined : state.interest?.get(finding.name);
    if (resource === undefined || resource.changed > response.revision) continue;
    if (partitionOf(type, resource.resource).parts.get(finding.part)?.hash === finding.hash)
      quarantine.accepted(client, finding);
  }
}

/** Reports whether a version of a part is in a served table. */
export function isInTables(layers: Pick<ServedLayers, 'all'>, { type, name, part, hash }: PartVersion): boolean {
  for (const { tables } of layers.all()) {
    const resource = tables[type].get(name)?.resource;
    if (resource !== undefined && partitionOf(type, resource).parts.get(part)?.hash === hash) return true;
  }
  return false;
}
