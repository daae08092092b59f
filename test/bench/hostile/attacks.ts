import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { ClientStatusRequestSchema } from '#gen/envoy/service/status/v3/csds_pb.js';
import { typeUrls } from '../../../src/proto/resource.ts';
import { bytesField, stringField } from '../../../src/proto/wire.ts';
import { frame } from '../../../src/rpc/frame.ts';
import { firstBytes, textOf } from '../../../src/xds/wire/wire-reader.ts';

/** One hostile client: everything that it sends on one connection. */
export interface Attack {
  readonly name: string;
  begin(session: ClientHttp2Session): void;
}

const ads = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const fetchClusters = '/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters';
const fetchStatus = '/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus';

export const connectTo = (port: number): ClientHttp2Session =>
  connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1 << 30 } }).on('error', () => {});

function open(session: ClientHttp2Session, path: string, headers = {}): ClientHttp2Stream {
  const head = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', ...headers };
  return session
    .request(head, { endStream: false })
    .on('error', () => {})
    .resume();
}

const plain = (bytes: Uint8Array): Buffer => Buffer.concat(frame([bytes]));

function zipped(bytes: Uint8Array): Buffer {
  const message = plain(gzipSync(bytes));
  message[0] = 1;
  return message;
}

const request = (init: MessageInitShape<typeof DiscoveryRequestSchema>): Uint8Array =>
  toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, init));
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const gzip = { 'grpc-encoding': 'gzip' };
const cluster = typeUrls.cluster;

/**
 * Returns the worst known attacks, each limited to a few seconds of one client. Messages are built before measuring.
 */
export function attacks(): readonly Attack[] {
  const bomb = zipped(Buffer.alloc(16_000_000));
  const labels = Object.fromEntries(times(100_000, (index) => [`label-${index}`, 'x'.repeat(100)]));
  const labelled = zipped(request({ node: { id: 'labels', metadata: { LABELS: labels } }, typeUrl: cluster }));
  const regex = '(a|b|c)'.repeat(20).concat('\\pL{1000}'.repeat(300)).slice(0, 2_800);
  const matchPattern = { case: 'safeRegex', value: { regex } } as const;
  const status = create(ClientStatusRequestSchema, { nodeMatchers: [{ nodeId: { matchPattern } }] });
  const asked = plain(toBinary(ClientStatusRequestSchema, status));
  const pair = Buffer.concat([stringField(3, ''), bytesField(100, Buffer.alloc(0))]);
  const node = request({ node: { id: 'n' }, typeUrl: cluster });
  const alternating = (length: number) => plain(Buffer.concat([node, Buffer.alloc(length, pair)]));
  const [eight, four] = [alternating(8_000_000), alternating(4_000_000)];
  const resourceNames = times(75_000, (index) => `outbound|80||service-${index}.default.svc.cluster.local`);
  const named = plain(request({ node: { id: 'names' }, typeUrl: typeUrls.endpoint, resourceNames }));
  return [
    {
      name: '60 unary calls that do not end, 16 KB of gzip each',
      begin: (session) => times(60, () => open(session, fetchClusters, gzip).write(bomb)),
    },
    {
      name: '30 streams with 100,000 labels, compressed',
      begin: (session) => times(30, () => open(session, ads, gzip).write(labelled)),
    },
    { name: 'a regular expression of 2.8 KB to CSDS', begin: (session) => open(session, fetchStatus).end(asked) },
    { name: 'alternating fields, 8 MB', begin: (session) => open(session, ads).write(eight) },
    { name: 'alternating fields, 4 MB', begin: (session) => open(session, ads).write(four) },
    { name: 'padded acknowledgements, 3 MB', begin: (session) => padAcknowledgements(open(session, ads), 3_000_000) },
    { name: '950 streams without a message', begin: (session) => times(950, () => open(session, ads)) },
    { name: '4 MB of subscribed names', begin: (session) => open(session, ads).write(named) },
    {
      name: '100 streams, each of a DNS domain of its own',
      begin: (session) =>
        times(100, (index) => {
          const id = `sidecar~10.9.0.1~x.default~domain-${index}.test`;
          open(session, ads).write(plain(request({ node: { id }, typeUrl: cluster })));
        }),
    },
  ] satisfies readonly { name: string; begin: (session: ClientHttp2Session) => unknown }[] as readonly Attack[];
}

/** Acknowledges every response with a message that is longer than necessary. */
function padAcknowledgements(stream: ClientHttp2Stream, padding: number): void {
  const [type, nonce] = [DiscoveryResponseSchema.field.typeUrl, DiscoveryResponseSchema.field.nonce];
  const filler = bytesField(1_000, Buffer.alloc(padding));
  let gathered = Buffer.alloc(0);
  stream.write(plain(request({ node: { id: 'pad' }, typeUrl: cluster })));
  stream.on('data', (chunk: Buffer) => {
    gathered = Buffer.concat([gathered, chunk]);
    while (gathered.length >= 5 && gathered.length >= 5 + gathered.readUInt32BE(1)) {
      const message = gathered.subarray(5, 5 + gathered.readUInt32BE(1));
      gathered = gathered.subarray(5 + message.length);
      const textAt = (number: number) => textOf(firstBytes(message, number) ?? new Uint8Array(0));
      const answer = request({ typeUrl: textAt(type.number), responseNonce: textAt(nonce.number) });
      stream.write(plain(Buffer.concat([answer, filler])));
    }
  });
}
