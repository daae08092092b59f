import { fromBinary } from '@bufbuild/protobuf';
import { type ClientStatusRequest, ClientStatusRequestSchema } from '#gen/envoy/service/status/v3/csds_pb.js';
import { fieldHead } from '../../proto/wire.ts';
import type { HandlerCall, RpcMethod } from '../../rpc/handlers/handler.ts';
import { RpcError } from '../../rpc/status.ts';
import type { Client } from '../client.ts';
import { type ClientStatusAccess, defaultAccess, requireAccess } from './access.ts';
import { clientConfigFields } from './client-config.ts';
import { readNodeMatchers } from './node-matcher.ts';

export interface ClientStatusOptions {
  readonly clients: ReadonlySet<Client>;
  /** Yields to other work between parts of a response. */
  readonly pause: () => Promise<void>;
  /** Default: clients of this machine. */
  readonly access?: ClientStatusAccess;
}

const service = '/envoy.service.status.v3.ClientStatusDiscoveryService';

/**
 * Serves ClientStatusDiscoveryService: the sent and acknowledged state per stream and resource. A proxy with several
 * streams has one entry for each; `client_scope` identifies the stream.
 */
export function clientStatusMethods(options: ClientStatusOptions): readonly RpcMethod[] {
  const { access = defaultAccess } = options;
  const queryOf = (bytes: Uint8Array, call: HandlerCall): ClientStatusQuery => {
    requireAccess(call, access);
    return readRequest(bytes);
  };
  return [
    {
      type: 'bidi-streaming',
      path: `${service}/StreamClientStatus`,
      compress: true,
      async *handle(requests, call) {
        for await (const bytes of requests) yield* responses(queryOf(bytes, call), options);
      },
    },
    {
      type: 'unary',
      path: `${service}/FetchClientStatus`,
      compress: true,
      handle: async (bytes, call) => oneResponse(queryOf(bytes, call), options),
    },
  ];
}

interface ClientStatusQuery {
  readonly matches: (nodeId: string) => boolean;
  readonly excludeContents: boolean;
}

/** Limit of a request. Nodes in it are ignored; they may have hundreds of extensions. */
const maxRequestBytes = 64 << 10;

function readRequest(bytes: Uint8Array): ClientStatusQuery {
  if (bytes.length > maxRequestBytes) {
    throw new RpcError('INVALID_ARGUMENT', `a ClientStatusRequest may have ${maxRequestBytes} bytes`);
  }
  const request = parse(bytes);
  const isMeant = readNodeMatchers(request.nodeMatchers);
  if (!isMeant.ok) throw new RpcError('INVALID_ARGUMENT', `node_matchers: ${isMeant.error}`);
  return { matches: isMeant.value, excludeContents: request.excludeResourceContents };
}

function parse(bytes: Uint8Array): ClientStatusRequest {
  try {
    return fromBinary(ClientStatusRequestSchema, bytes);
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', 'the request is no ClientStatusRequest', { cause });
  }
}

/** Yields responses, each with whole clients. A response ends once it is large. */
async function* responses(asked: ClientStatusQuery, options: ClientStatusOptions): AsyncGenerator<Uint8Array> {
  let configs: Uint8Array[] = [];
  let size = 0;
  let isFirst = true;
  for await (const config of clientConfigs(asked, options)) {
    configs.push(...config.parts);
    size += config.byteLength;
    if (size < enoughBytes) continue;
    yield Buffer.concat(configs);
    isFirst = false;
    configs = [];
    size = 0;
  }
  if (isFirst || configs.length > 0) yield Buffer.concat(configs);
}

async function oneResponse(asked: ClientStatusQuery, options: ClientStatusOptions): Promise<Uint8Array> {
  const configs: Uint8Array[] = [];
  let size = 0;
  for await (const config of clientConfigs(asked, options)) {
    configs.push(...config.parts);
    size += config.byteLength;
    if (size > maxBytes) {
      const advice = 'narrow node_matchers, set exclude_resource_contents, or use StreamClientStatus';
      throw new RpcError('RESOURCE_EXHAUSTED', `the answer would be larger than ${maxBytes} bytes: ${advice}`);
    }
  }
  return Buffer.concat(configs);
}

/** Default limit of gRPC clients for the size of a message. */
const maxBytes = 4 << 20;
const enoughBytes = 1 << 20;

interface Config {
  readonly parts: readonly Uint8Array[];
  readonly byteLength: number;
}

/** Yields one `ClientStatusResponse.config` per client. A client that disconnects meanwhile has its last state. */
async function* clientConfigs(
  { matches: isMeant, excludeContents }: ClientStatusQuery,
  { clients, pause }: ClientStatusOptions,
): AsyncGenerator<Config> {
  let untilPause = fieldsPerTurn;
  for (const client of [...clients]) {
    if (--untilPause <= 0) {
      untilPause = fieldsPerTurn;
      await pause();
    }
    if (!isMeant(client.proxy.id)) continue;
    const fields: Uint8Array[] = [];
    let byteLength = 0;
    for (const field of clientConfigFields(client, { excludeContents })) {
      fields.push(field);
      byteLength += field.length;
      if (--untilPause > 0) continue;
      untilPause = fieldsPerTurn;
      await pause();
    }
    const head = fieldHead(configField, byteLength);
    yield { parts: [head, ...fields], byteLength: head.length + byteLength };
  }
}

const configField = 1;
/** Fields per turn: some milliseconds of work. */
const fieldsPerTurn = 250;
