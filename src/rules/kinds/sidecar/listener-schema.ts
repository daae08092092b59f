import { z } from 'zod';
import { ipVersion } from '../../../lib/ip.ts';
import { isUnixAddress, wrongUnixAddress } from '../../addresses.ts';
import { sidecarProtocolName } from '../../protocols.ts';
import { connectionPool } from '../destination-rule/connection-pool-schema.ts';
import { type ServerTlsSpec, serverTls } from '../gateway/server-tls-schema.ts';

const port = z.strictObject({
  number: z.int().min(0).max(65_535, 'must be 0 to 65535').optional().describe('port; 0 for a unix domain socket'),
  protocol: sidecarProtocolName.optional().describe('HTTP, HTTPS, GRPC, HTTP2, TLS, TCP, HTTP_PROXY, …'),
  name: z.string().optional().describe('name of the port'),
  targetPort: z.int().min(0).max(65_535).optional().describe('obsolete'),
});

const captureMode = z
  .enum(['DEFAULT', 'IPTABLES', 'NONE'])
  .optional()
  .describe('whether traffic is captured, or sent to the listener on purpose');

/**
 * `namespace/host`: a namespace, `*`, `.` or `~`, and a hostname, a wildcard or `*`. `~` before a namespace excludes.
 */
const egressHost = z
  .string()
  .regex(
    /^(\*|\.|~|~?[^*.~\s/]+)\/(\*|(\*\.)?[^*\s/]+)$/,
    'namespace/host, such as ./*, */reviews.prod.svc.cluster.local',
  );

type Conflicts = Generator<readonly [path: readonly string[], message: string]>;

/** An inbound port of a workload. */
export const ingress = z
  .strictObject({
    port: port.describe('port that clients call'),
    bind: z.string().optional().describe('address to listen at'),
    captureMode,
    defaultEndpoint: z.string().optional().describe('address of the workload itself: 127.0.0.1:8080, unix:///path'),
    tls: serverTls.optional().describe('TLS settings for callers outside the mesh'),
    connectionPool: connectionPool.optional().describe('limits of this port, in place of inboundConnectionPool'),
  })
  .superRefine((it, context) => {
    for (const [path, message] of ingressConflicts(it)) context.addIssue({ code: 'custom', path: [...path], message });
  });

export type IngressSpec = z.infer<typeof ingress>;

/** Hosts that a workload may call, at one port or at all ports. */
export const egress = z
  .strictObject({
    port: port.optional().describe('port for calls to these hosts; the ports of the services if left out'),
    bind: z.string().optional().describe('address to listen at, or unix:///path; needs a port'),
    captureMode,
    hosts: z.array(egressHost).min(1).describe('namespace/host that may be called; ~namespace/host excludes'),
  })
  .superRefine((it, context) => {
    for (const [path, message] of egressConflicts(it)) context.addIssue({ code: 'custom', path: [...path], message });
  });

export type EgressSpec = z.infer<typeof egress>;

interface Listener {
  readonly port?: z.infer<typeof port> | undefined;
  readonly bind?: string | undefined;
  readonly captureMode?: z.infer<typeof captureMode>;
}

function* ingressConflicts(
  it: Listener & { defaultEndpoint?: string | undefined; tls?: ServerTlsSpec | undefined },
): Conflicts {
  if (!it.port?.number) yield [['port', 'number'], 'must be 1 to 65535'];
  if (it.bind && ipVersion(it.bind) === 0) yield [['bind'], 'must be an IP address'];
  const { defaultEndpoint = '', tls } = it;
  if (defaultEndpoint !== '' && !isOwnAddress(defaultEndpoint)) {
    yield [['defaultEndpoint'], 'must be 127.0.0.1:port, 0.0.0.0:port, [::1]:port, [::]:port or unix:///path'];
  }
  if (tls?.mode === 'ISTIO_MUTUAL' || tls?.mode === 'AUTO_PASSTHROUGH') {
    yield [['tls', 'mode'], `cannot be ${tls.mode} in a Sidecar`];
  }
  for (const field of ['subjectAltNames', 'httpsRedirect', 'credentialName'] as const) {
    if (tls?.[field]) yield [['tls', field], 'is not supported in a Sidecar'];
  }
}

function* egressConflicts({ port, bind = '', captureMode }: Listener): Conflicts {
  if (bind !== '' && port === undefined) yield [['port'], 'is required together with bind'];
  if (!isUnixAddress(bind)) {
    if (bind !== '' && ipVersion(bind) === 0) yield [['bind'], 'must be an IP address or unix:///path'];
    if (port !== undefined && !port.number) yield [['port', 'number'], 'must be 1 to 65535, but for unix:///path'];
    return;
  }
  const wrong = wrongUnixAddress(bind);
  if (wrong !== null) yield [['bind'], wrong];
  if (port?.number) yield [['port', 'number'], 'must be 0 for a unix domain socket'];
  if (captureMode === 'IPTABLES') yield [['captureMode'], 'must be DEFAULT or NONE for a unix domain socket'];
}

function isOwnAddress(text: string): boolean {
  if (isUnixAddress(text)) return wrongUnixAddress(text) === null;
  const [, port] = /^(?:127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\[::\])?:(\d{1,5})$/.exec(text) ?? [];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}
