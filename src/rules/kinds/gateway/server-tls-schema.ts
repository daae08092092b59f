import { z } from 'zod';
import { orNull } from '../../fields.ts';

const tlsVersion = z.enum(['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3']);

const certificate = z.strictObject({
  serverCertificate: z.string().optional().describe('file of the certificate'),
  privateKey: z.string().optional().describe('file of its private key'),
  caCertificates: z.string().optional().describe('file of the authorities that verify clients'),
});

const shape = z.strictObject({
  httpsRedirect: z.boolean().optional().describe('answer plain HTTP with a redirect to HTTPS'),
  mode: z
    .enum(['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL'])
    .optional()
    .describe('whether TLS ends here, and whether clients need certificates; PASSTHROUGH if left out'),
  serverCertificate: z.string().optional().describe('file of the certificate'),
  privateKey: z.string().optional().describe('file of its private key'),
  caCertificates: z.string().optional().describe('file of the authorities that verify clients'),
  caCrl: z.string().optional().describe('file of revoked client certificates'),
  credentialName: z.string().optional().describe('secret with key and certificate, in place of files'),
  credentialNames: z
    .array(z.string())
    .min(1)
    .max(2)
    .optional()
    .describe('two secrets, for certificates with two types of keys (RSA and ECDSA)'),
  caCertCredentialName: z.string().optional().describe('secret or config map with the authorities that verify clients'),
  tlsCertificates: z
    .array(certificate)
    .min(1)
    .max(2)
    .optional()
    .describe('files of certificates with two types of keys (RSA and ECDSA)'),
  subjectAltNames: z.array(z.string()).optional().describe('names of which a client certificate must have one'),
  verifyCertificateSpki: z.array(z.string()).optional().describe('hashes of allowed client keys, base64'),
  verifyCertificateHash: z.array(z.string()).optional().describe('hashes of allowed client certificates, hex'),
  minProtocolVersion: tlsVersion.optional().describe('minimum version of TLS; 1.2 if left out'),
  maxProtocolVersion: tlsVersion.optional().describe('maximum version of TLS'),
  cipherSuites: z.array(z.string()).optional().describe("ciphers to offer, by OpenSSL's names"),
  insecureSkipVerify: orNull(z.boolean()).describe('accept clients whose certificates fail verification'),
});

/** TLS settings for connections from clients. */
export const serverTls = shape.superRefine((tls, context) => {
  for (const [field, message] of conflictsOf(tls)) context.addIssue({ code: 'custom', path: [field], message });
});

export type ServerTlsSpec = z.infer<typeof shape>;

type Conflicts = Generator<readonly [keyof ServerTlsSpec, string]>;

const files = ['serverCertificate', 'privateKey'] as const;
const sources = ['credentialName', 'credentialNames', 'tlsCertificates'] as const;

function* conflictsOf(tls: ServerTlsSpec): Conflicts {
  const [first, second] = sources.filter((field) => tls[field] !== undefined);
  if (first !== undefined && second !== undefined) yield [second, `only one of it and ${first} may be set`];
  if (tls.mode === 'ISTIO_MUTUAL') {
    for (const field of [...files, ...sources, 'caCertificates'] as const) {
      if (tls[field]) yield [field, 'cannot be set with mode ISTIO_MUTUAL: the mesh has its own certificates'];
    }
  } else if (tls.mode === 'SIMPLE' || tls.mode === 'MUTUAL' || tls.mode === 'OPTIONAL_MUTUAL') {
    yield* lacking(tls, tls.mode);
  }
}

function* lacking(tls: ServerTlsSpec, mode: 'SIMPLE' | 'MUTUAL' | 'OPTIONAL_MUTUAL'): Conflicts {
  if (mode === 'SIMPLE' && tls.caCrl) yield ['caCrl', 'has no meaning with mode SIMPLE, which asks for no certificate'];
  if (tls.credentialName || tls.credentialNames !== undefined) return;
  if (tls.tlsCertificates === undefined) {
    for (const field of files) {
      if (!tls[field]) yield [field, `is required with mode ${mode}, unless credentialName is set`];
    }
  }
  const authorities =
    tls.caCertificates || tls.caCertCredentialName || tls.tlsCertificates?.some((it) => it.caCertificates);
  if (mode !== 'SIMPLE' && !authorities) {
    yield ['caCertificates', `is required with mode ${mode}, unless credentialName is set`];
  }
}
