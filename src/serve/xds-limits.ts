import { z } from 'zod';
import { defaultClientLimits } from '../push/client-limits.ts';
import { bytesForLargest, defaultLimits } from '../rpc/limits.ts';
import { defaultNodeLimits } from '../xds/wire/node-limits.ts';
import { bytes, positiveInteger, seconds } from './config-fields.ts';

const secondsFrom = (ms: number) => seconds.default(ms / 1_000);

/**
 * Schema of `xds.limits`: limits of connections and calls (src/rpc), of nodes (src/xds), and of one client or peer
 * (src/push).
 */
export const xdsLimitsSchema = z
  .strictObject({
    maxConnections: positiveInteger
      .default(defaultLimits.maxConnections)
      .describe('connections; further ones are closed at once'),
    maxConnectionsPerPeer: positiveInteger
      .default(defaultLimits.maxConnectionsPerPeer)
      .describe('connections of one peer; clients behind a NAT share it'),
    maxStreams: positiveInteger.default(defaultLimits.maxStreams).describe('open calls; further ones are rejected'),
    maxStreamsPerPeer: positiveInteger.default(defaultLimits.maxStreamsPerPeer).describe('open calls of one peer'),
    maxStreamsPerConnection: positiveInteger
      .default(defaultLimits.maxConcurrentStreams)
      .describe('open calls of one connection'),
    maxCallsPerSecondPerPeer: positiveInteger
      .default(defaultLimits.callsPerPeer.perSecond)
      .describe('new calls of one peer, on average'),
    maxRequestsPerSecondPerPeer: positiveInteger
      .default(defaultLimits.requestsPerPeer.perSecond)
      .describe('messages of one peer that must be parsed, beyond one for each message sent'),
    maxLogLinesPerSecondPerPeer: positiveInteger
      .default(defaultLimits.logLinesPerPeer.perSecond)
      .describe('log lines about the clients of one peer'),
    maxMessageBytes: bytes
      .max(268_435_456)
      .default(defaultLimits.maxReceiveBytes)
      .describe('largest message, before and after decompression'),
    maxHeldBytes: bytes
      .default(defaultLimits.maxHeldBytes)
      .describe('memory of messages that are incomplete, being decompressed, or waiting for their handler'),
    maxHeldBytesPerPeer: bytes.default(defaultLimits.maxHeldBytesPerPeer).describe('`maxHeldBytes` for one peer'),
    maxHeldBytesPerConnection: bytes
      .default(defaultLimits.maxHeldBytesPerConnection)
      .describe('`maxHeldBytes` for one connection'),
    requestTimeoutSeconds: secondsFrom(defaultLimits.requestTimeoutMs).describe(
      'time for the first message of a call; a unary call must end within it',
    ),
    maxConnectionAgeSeconds: seconds
      .optional()
      .describe(
        'age (± 10 %) at which the server asks a client to reconnect, so that clients spread over replicas; without it, never',
      ),
    maxConnectionAgeGraceSeconds: secondsFrom(defaultLimits.maxConnectionAgeGraceMs).describe(
      'time that calls may continue after that',
    ),
    keepaliveIntervalSeconds: secondsFrom(defaultLimits.keepaliveIntervalMs).describe('interval of pings'),
    keepaliveTimeoutSeconds: secondsFrom(defaultLimits.keepaliveTimeoutMs).describe(
      'time for the answer to a ping; then the connection ends',
    ),
    drainTimeoutSeconds: secondsFrom(defaultLimits.drainTimeoutMs).describe('time for a client to read waiting data'),
    maxNodeLabels: positiveInteger.default(defaultNodeLimits.maxNodeLabels).describe('labels of a node'),
    maxNodeFieldBytes: positiveInteger
      .default(defaultNodeLimits.maxNodeFieldBytes)
      .meta({ form: 'bytes' })
      .describe('size of each text of a node: id, locality, labels, names'),
    maxNodeBytes: positiveInteger
      .default(defaultNodeLimits.maxNodeBytes)
      .meta({ form: 'bytes' })
      .describe('total size of all stored texts of a node'),
    maxNamesPerType: positiveInteger
      .default(defaultClientLimits.maxNamesPerType)
      .describe('resource names of one type that a stream may subscribe to'),
    maxScopesPerPeer: positiveInteger
      .default(defaultClientLimits.maxScopesPerPeer)
      .describe('different configurations for the clients of one peer, by certificate or IP address'),
  })
  .describe(
    'Limits of xDS connections. Connections are counted for each of the two ports, everything else for the process. A peer is an IP address. Limits per second are averages: bursts may be ten times as large. Each `maxHeldBytes…` must be at least twice `maxMessageBytes`, because decompression keeps a message and its result in memory.',
  )
  .superRefine(refuseUnsendable);

/** Rejects limits under which a message of the largest allowed size never fits into the memory for messages. */
function refuseUnsendable(
  limits: { readonly [Key in 'maxMessageBytes' | HeldKey]: number },
  context: z.RefinementCtx,
): void {
  const largest = limits.maxMessageBytes;
  const needed = bytesForLargest(largest);
  for (const key of heldKeys) {
    const held = limits[key];
    if (held >= needed) continue;
    const message = `is ${held}, but a message of maxMessageBytes (${largest}) holds up to ${needed} bytes while it is decompressed: raise this to ${needed} at least, or lower maxMessageBytes`;
    context.addIssue({ code: 'custom', path: [key], message });
  }
}

type HeldKey = (typeof heldKeys)[number];
const heldKeys = ['maxHeldBytes', 'maxHeldBytesPerPeer', 'maxHeldBytesPerConnection'] as const;
