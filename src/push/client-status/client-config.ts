import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ClientResourceStatus } from '#gen/envoy/admin/v3/config_dump_shared_pb.js';
import { NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { ClientConfig_GenericXdsConfigSchema, ConfigStatus } from '#gen/envoy/service/status/v3/csds_pb.js';
import { type EncodedResource, namedTypeUrls, resourceBody, typeRows, typeUrls } from '../../proto/resource.ts';
import { bytesField, stringField } from '../../proto/wire.ts';
import type { NamedState } from '../../xds/named/named-stream.ts';
import type { TypeState } from '../../xds/stream/stream.ts';
import type { Client } from '../client.ts';
import { answerToResource } from '../status/answers.ts';

/** Amount of detail per resource. */
export interface Detail {
  /** Names, versions and status only. */
  readonly excludeContents: boolean;
}

/** Yields the fields of a ClientConfig as bytes. A client may have tens of thousands of resources. */
export function* clientConfigFields(client: Client, detail: Detail): Generator<Uint8Array> {
  yield bytesField(1, toBinary(NodeSchema, create(NodeSchema, nodeOf(client))));
  yield stringField(4, `${client.service} ${client.stream.mode} ${client.id}`); // client_scope: identifies the stream
  for (const state of client.stream.inOrder) if (state !== null) yield* resourcesOf(state, detail);
  for (const state of client.named?.states.values() ?? []) yield* namedResourcesOf(state);
}

type XdsConfigEntry = Extract<
  MessageInitShape<typeof ClientConfig_GenericXdsConfigSchema>,
  { readonly $typeName?: never }
>;

const entryField = (entry: XdsConfigEntry): Uint8Array =>
  bytesField(3, toBinary(ClientConfig_GenericXdsConfigSchema, create(ClientConfig_GenericXdsConfigSchema, entry)));

/** Builds the node from the fields that are stored of it. */
function nodeOf({ proxy }: Client): MessageInitShape<typeof NodeSchema> {
  const [region = '', zone = '', subZone = ''] = proxy.locality.split('/');
  return {
    id: proxy.id,
    cluster: proxy.cluster,
    ...(proxy.locality === '' ? {} : { locality: { region, zone, subZone } }),
    metadata: { NAMESPACE: proxy.namespace, LABELS: { ...proxy.labels } },
  };
}

/** Yields every subscribed name; with a wildcard, every existing one. */
function* resourcesOf(state: TypeState, detail: Detail): Generator<Uint8Array> {
  const typeUrl = typeUrls[state.type];
  const sent = new Set(state.inFlight?.updated);
  for (const name of state.names.names) {
    if (state.interest?.get(name) === undefined) yield entryField({ typeUrl, name, ...absent });
  }
  for (const name of state.interest?.present() ?? []) {
    const entry = state.interest?.get(name);
    if (entry === undefined) continue; // removed during the iteration
    const { resource } = entry;
    yield entryField({
      typeUrl,
      name,
      versionInfo: resource.version,
      ...(detail.excludeContents || typeRows[state.type].isPrivate === true
        ? {}
        : { xdsConfig: { typeUrl, value: resourceBody(state.type, resource) } }),
      ...resourceStatus(state, entry, sent),
    });
  }
}

const absent: XdsConfigEntry = {
  configStatus: ConfigStatus.NOT_SENT,
  clientStatus: ClientResourceStatus.DOES_NOT_EXIST,
};

function resourceStatus(
  state: TypeState,
  { resource, changed }: { readonly resource: EncodedResource; readonly changed: number },
  sent: ReadonlySet<string>,
): XdsConfigEntry {
  switch (answerToResource(state, resource.name, changed)) {
    case 'acknowledged':
      return { configStatus: ConfigStatus.SYNCED, clientStatus: ClientResourceStatus.ACKED };
    case 'rejected':
      return {
        configStatus: ConfigStatus.ERROR,
        clientStatus: ClientResourceStatus.NACKED,
        errorState: errorOf(state),
      };
    default:
      return {
        configStatus: sent.has(resource.name) ? ConfigStatus.STALE : ConfigStatus.NOT_SENT,
        clientStatus: ClientResourceStatus.REQUESTED,
      };
  }
}

function errorOf({ answers: { nacked, nackedAtMs, error } }: TypeState): NonNullable<XdsConfigEntry['errorState']> {
  const lastUpdateAttempt = timestampFromMs(nackedAtMs);
  return { details: error ?? '', versionInfo: nacked?.version ?? '', lastUpdateAttempt };
}

function* namedResourcesOf({ type, names, inFlight, nack }: NamedState): Generator<Uint8Array> {
  const typeUrl = namedTypeUrls[type];
  for (const [name, answer] of names) {
    if (answer === null) yield entryField({ typeUrl, name, ...absent });
    else {
      const configStatus =
        inFlight !== null ? ConfigStatus.STALE : nack !== null ? ConfigStatus.ERROR : ConfigStatus.SYNCED;
      const errorState = nack === null ? {} : { errorState: { details: nack } };
      yield entryField({ typeUrl, name, versionInfo: answer.version, configStatus, ...errorState });
    }
  }
}
