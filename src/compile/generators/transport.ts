import { ipVersion } from '../../lib/ip.ts';
import type { ClientTlsPlan, DestinationPlan } from '../../plan/destination.ts';
import type { ClusterJson, ProxyProtocolUpstreamTransportJson, UpstreamTlsContextJson } from '../../proto/json.ts';
import { extension } from './json.ts';

type TransportSocket = NonNullable<ClusterJson['transportSocket']>;
type CommonTls = NonNullable<UpstreamTlsContextJson['commonTlsContext']>;

/** Generates the transport of connections: TLS, and the PROXY protocol before it; nothing for plain text. */
export function transport({
  tls,
  proxyProtocol,
  protocol,
}: Pick<DestinationPlan, 'tls' | 'proxyProtocol' | 'protocol'>): Pick<ClusterJson, 'transportSocket'> {
  const secured = tls === null ? null : tlsSocket(tls, protocol);
  if (proxyProtocol !== null) return { transportSocket: announcing(proxyProtocol, secured ?? plainSocket) };
  return secured === null ? {} : { transportSocket: secured };
}

const plainSocket: TransportSocket = {
  name: 'envoy.transport_sockets.raw_buffer',
  typedConfig: extension('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer', {}),
};

/** Wraps a transport that announces the caller's address first. */
function announcing(version: 'V1' | 'V2', transportSocket: TransportSocket): TransportSocket {
  const type = 'envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport';
  const wrapper = { config: { version }, transportSocket } satisfies ProxyProtocolUpstreamTransportJson;
  return { name: 'envoy.transport_sockets.upstream_proxy_protocol', typedConfig: extension(type, wrapper) };
}

function tlsSocket(tls: ClientTlsPlan, protocol: DestinationPlan['protocol']): TransportSocket {
  const context = {
    ...(tls.sni === null ? {} : { sni: tls.sni }),
    commonTlsContext: {
      tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_2', tlsMaximumProtocolVersion: 'TLSv1_3' },
      ...(tls.certificate === null ? {} : { tlsCertificates: [certificate(tls.certificate)] }),
      ...(tls.authorities === null ? {} : { validationContext: validation(tls.authorities, tls.serverNames) }),
      ...(protocol === 'http2' ? { alpnProtocols: ['h2'] } : {}),
    },
  } satisfies UpstreamTlsContextJson;
  const type = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  return { name: 'envoy.transport_sockets.tls', typedConfig: extension(type, context) };
}

const certificate = ({ chainFile, keyFile }: NonNullable<ClientTlsPlan['certificate']>) => ({
  certificateChain: { filename: chainFile },
  privateKey: { filename: keyFile },
});

const validation = (
  { file, crlFile }: NonNullable<ClientTlsPlan['authorities']>,
  serverNames: readonly string[],
): NonNullable<CommonTls['validationContext']> => ({
  trustedCa: { filename: file },
  ...(crlFile === null ? {} : { crl: { filename: crlFile } }),
  ...(serverNames.length === 0
    ? {}
    : {
        matchTypedSubjectAltNames: serverNames.map((name) => ({ sanType: nameType(name), matcher: { exact: name } })),
      }),
});

/** Returns the kind of certificate names to which a name belongs. */
function nameType(name: string) {
  if (name.includes('://')) return 'URI';
  if (ipVersion(name) !== 0) return 'IP_ADDRESS';
  return name.includes('@') ? 'EMAIL' : 'DNS';
}
