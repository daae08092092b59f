import type { ClientTlsPlan } from '../../../plan/destination.ts';
import type { PortPolicy } from './policy-schema.ts';

type ClientTlsSpec = NonNullable<PortPolicy['tls']>;

/**
 * Returns the fields of TLS settings that have no effect in this release: certificates of the mesh, and those from
 * secrets. Connections with such settings are not secured.
 */
export function pendingTlsFields({ mode, credentialName }: ClientTlsSpec): readonly string[] {
  if (mode === 'ISTIO_MUTUAL') return [''];
  return credentialName && isSecured({ mode }) ? ['.credentialName'] : [];
}

const isSecured = ({ mode }: Pick<ClientTlsSpec, 'mode'>): boolean => mode === 'SIMPLE' || mode === 'MUTUAL';

/**
 * Resolves TLS with files of the client's machine; null for plain text. Without names of its own, the server must have
 * one of those of its service.
 */
export function resolveTls(
  spec: ClientTlsSpec | undefined,
  serviceNames: readonly string[] = [],
): ClientTlsPlan | null {
  if (spec === undefined || !isSecured(spec) || spec.credentialName) return null;
  const { mode, clientCertificate = '', privateKey = '', sni = '', subjectAltNames = [] } = spec;
  return {
    certificate: mode === 'MUTUAL' ? { chainFile: clientCertificate, keyFile: privateKey } : null,
    authorities:
      spec.insecureSkipVerify === true
        ? null
        : { file: spec.caCertificates || systemAuthorities, crlFile: spec.caCrl || null },
    serverNames: subjectAltNames.length > 0 ? subjectAltNames : serviceNames,
    sni: sni === '' ? null : sni,
  };
}

/** File of the authorities that the operating system trusts, in the images of Envoy and in most distributions. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';
