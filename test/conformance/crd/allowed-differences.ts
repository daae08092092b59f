/** A difference between a schema and its CRD that is meant. */
export interface AllowedDifference {
  readonly kind: string;
  /** As the comparison words it; `…` at the beginning stands for any place of the kind. */
  readonly difference: string;
  readonly why: string;
}

const portNumber = 'a reference to a port means nothing without a number; the published validation refuses it too';

/** Every one must apply: what no longer differs is taken out. */
export const allowedDifferences: readonly AllowedDifference[] = [
  {
    kind: 'VirtualService',
    difference: '….port.number is required in the schema only',
    why: portNumber,
  },
  {
    kind: 'VirtualService',
    difference: 'spec.tcp[].route is required in the schema only',
    why: 'a route without destinations leads nowhere; the published validation refuses it too',
  },
  {
    kind: 'VirtualService',
    difference: 'spec.tls[].route is required in the schema only',
    why: 'a route without destinations leads nowhere; the published validation refuses it too',
  },
  {
    kind: 'VirtualService',
    difference: 'spec.http[].rewrite.uriRegexRewrite.match is required in the schema only',
    why: 'the published reference asks for both halves of the rewrite',
  },
  {
    kind: 'VirtualService',
    difference: 'spec.http[].rewrite.uriRegexRewrite.rewrite is required in the schema only',
    why: 'the published reference asks for both halves of the rewrite',
  },
  {
    kind: 'VirtualService',
    difference: 'spec.http[].directResponse.body: one of bytes|string is required in the schema only',
    why: 'an answer without a body is written without `body`',
  },
  {
    kind: 'VirtualService',
    difference: 'spec.http[].fault.abort: one of grpcStatus|http2Error|httpStatus is required in the schema only',
    why: 'Envoy refuses an abort without a status, and with it every route of the port',
  },
  {
    kind: 'VirtualService',
    difference: 'spec.http[].fault.delay: one of exponentialDelay|fixedDelay is required in the schema only',
    why: 'Envoy refuses a delay without a length, and with it every route of the port',
  },
  {
    kind: 'VirtualService',
    difference: 'spec.http[].redirect.redirectCode is any text or number in the CRD and a list of values in the schema',
    why: 'Envoy has an enum for it: 301, 302, 303, 307 and 308',
  },
  {
    kind: 'VirtualService',
    difference: 'spec.http[].redirect.scheme is any text or number in the CRD and a list of values in the schema',
    why: 'the published reference has http and https',
  },
  {
    kind: 'DestinationRule',
    difference: '….portLevelSettings[].port is required in the schema only',
    why: 'settings of a port are of no port without it; the published validation refuses it too',
  },
  { kind: 'DestinationRule', difference: '….port.number is required in the schema only', why: portNumber },
  {
    kind: 'DestinationRule',
    difference:
      '….consistentHash: one of httpCookie|httpHeaderName|httpQueryParameterName|useSourceIp is required in the schema only',
    why: 'a hash of nothing sends requests anywhere, which is not what its author asked for',
  },
  {
    kind: 'DestinationRule',
    difference: '….tunnel.protocol is any text or number in the CRD and a list of values in the schema',
    why: 'the published reference has CONNECT and POST',
  },
  {
    kind: 'Sidecar',
    difference: 'spec.outboundTrafficPolicy.egressProxy.port.number is required in the schema only',
    why: portNumber,
  },
  {
    kind: 'Gateway',
    difference: 'spec.servers is required in the schema only',
    why: 'a gateway without servers does nothing; the published validation refuses it too',
  },
  {
    kind: 'WorkloadGroup',
    difference: 'spec.probe: one of exec|grpc|httpGet|tcpSocket is required in the schema only',
    why: 'a probe that does nothing tells nothing; the published validation refuses it too',
  },
  {
    kind: 'WasmPlugin',
    difference: 'spec.sha256 has the pattern (^$|^[a-f0-9]{64}$) in the CRD',
    why: 'the same expression without the brackets',
  },
  {
    kind: 'TrafficExtension',
    difference: 'spec.wasm.sha256 has the pattern (^$|^[a-f0-9]{64}$) in the CRD',
    why: 'the same expression without the brackets',
  },
];

/** Whether an entry is about this difference of its kind. */
export const allows = ({ difference: entry }: AllowedDifference, difference: string): boolean =>
  entry.startsWith('…') ? difference.endsWith(entry.slice(1)) : difference === entry;
