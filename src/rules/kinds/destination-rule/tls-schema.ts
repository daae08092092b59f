import { z } from 'zod';
import { orNull } from '../../fields.ts';

const shape = z.strictObject({
  mode: z
    .enum(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'])
    .optional()
    .describe("no TLS, TLS, TLS with a client certificate, or TLS with the mesh's certificate"),
  clientCertificate: z.string().optional().describe('file of the client certificate; with MUTUAL'),
  privateKey: z.string().optional().describe('file of its private key; with MUTUAL'),
  caCertificates: z.string().optional().describe('file of the authorities that verify servers'),
  credentialName: z.string().optional().describe('secret with key, certificate and authorities, in place of files'),
  subjectAltNames: z.array(z.string()).optional().describe('names of which the server certificate must have one'),
  sni: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= 255, 'must be 255 bytes at most')
    .optional()
    .describe('server name to send (SNI)'),
  insecureSkipVerify: orNull(z.boolean()).describe('skip verification of the server certificate'),
  caCrl: z.string().optional().describe('file of revoked certificates'),
});

/** TLS settings of connections to a destination. */
export const clientTls = shape.superRefine((tls, context) => {
  for (const [field, message] of conflictsOf(tls)) context.addIssue({ code: 'custom', path: [field], message });
});

type ClientTlsSpec = z.infer<typeof shape>;

function* conflictsOf(tls: ClientTlsSpec): Generator<readonly [keyof ClientTlsSpec, string]> {
  if (tls.mode !== 'SIMPLE' && tls.mode !== 'MUTUAL') return;
  const files = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'] as const;
  if (tls.credentialName) {
    for (const field of files) if (tls[field]) yield [field, 'only one of it and credentialName may be set'];
  } else if (tls.mode === 'MUTUAL') {
    for (const field of ['clientCertificate', 'privateKey'] as const) {
      if (!tls[field]) yield [field, 'is required with mode MUTUAL, unless credentialName is set'];
    }
  }
  if (tls.insecureSkipVerify !== true) return;
  for (const field of ['caCertificates', 'caCrl'] as const) {
    if (tls[field]) yield [field, 'has no meaning when insecureSkipVerify is true'];
  }
  if (tls.subjectAltNames?.length) yield ['subjectAltNames', 'has no meaning when insecureSkipVerify is true'];
}
