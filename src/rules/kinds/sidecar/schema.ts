import { z } from 'zod';
import { labels, portNumber } from '../../fields.ts';
import { connectionPool } from '../destination-rule/policy-schema.ts';

const port = z.strictObject({
  number: portNumber,
  protocol: z.string().min(1).optional(),
  name: z.string().optional(),
  targetPort: portNumber.optional(),
});

/** `namespace/host`: a namespace, `*`, `.` or `~`, and a hostname, a wildcard or `*`. */
const egressHost = z
  .string()
  .regex(
    /^(\*|\.|~|[^*.~\s/]+)\/(\*|(\*\.)?[^*\s/]+)$/,
    'namespace/host, such as ./*, */reviews.prod.svc.cluster.local',
  );

const captureMode = z.enum(['DEFAULT', 'IPTABLES', 'NONE']);

const destination = z.strictObject({
  host: z.string().min(1),
  subset: z.string().optional(),
  port: z.strictObject({ number: portNumber }).optional(),
});

const tls = z.strictObject({
  httpsRedirect: z.boolean().optional(),
  mode: z.enum(['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL']).optional(),
  serverCertificate: z.string().optional(),
  privateKey: z.string().optional(),
  caCertificates: z.string().optional(),
  caCrl: z.string().optional(),
  credentialName: z.string().optional(),
  credentialNames: z.array(z.string()).optional(),
  tlsCertificates: z
    .array(
      z.strictObject({
        serverCertificate: z.string().optional(),
        privateKey: z.string().optional(),
        caCertificates: z.string().optional(),
      }),
    )
    .optional(),
  subjectAltNames: z.array(z.string()).optional(),
  verifyCertificateSpki: z.array(z.string()).optional(),
  verifyCertificateHash: z.array(z.string()).optional(),
  minProtocolVersion: z.enum(['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3']).optional(),
  maxProtocolVersion: z.enum(['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3']).optional(),
  cipherSuites: z.array(z.string()).optional(),
});

const ingress = z.strictObject({
  port,
  bind: z.string().optional(),
  captureMode: captureMode.optional(),
  defaultEndpoint: z.string().optional(),
  tls: tls.optional(),
  connectionPool: connectionPool.optional(),
});

const egress = z.strictObject({
  port: port.optional(),
  bind: z.string().optional(),
  captureMode: captureMode.optional(),
  hosts: z.array(egressHost).min(1),
});

/** Istio's networking Sidecar: what the proxies of some workloads may call, and how they are called. */
export const sidecarSpec = z.strictObject({
  workloadSelector: z.strictObject({ labels: labels.optional() }).optional(),
  ingress: z.array(ingress).optional(),
  egress: z.array(egress).optional(),
  inboundConnectionPool: connectionPool.optional(),
  outboundTrafficPolicy: z
    .strictObject({
      mode: z.enum(['REGISTRY_ONLY', 'ALLOW_ANY']).optional(),
      egressProxy: destination.optional(),
    })
    .optional(),
});

export type SidecarSpec = z.infer<typeof sidecarSpec>;
