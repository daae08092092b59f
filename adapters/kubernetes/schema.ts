import { z } from 'zod';
import { canonicalAddress } from '../../src/lib/ip.ts';

/*
 * Schemas of the parts of Kubernetes objects that are read. Other fields are not checked, so that objects of newer
 * Kubernetes versions are accepted. Absent and null are equal.
 */
/** Canonical form of an address, because addresses are compared with each other. */
const address = z.string().transform(canonicalAddress);

const port = z.object({
  name: z.string().nullish(),
  port: z.int().min(1).max(65_535),
  protocol: z.string().nullish(),
  appProtocol: z.string().nullish(),
  targetPort: z.union([z.number(), z.string()]).nullish(),
});

export const serviceBody = z.object({
  spec: z
    .object({
      type: z.string().nullish(),
      clusterIP: z.string().nullish(),
      clusterIPs: z.array(z.string()).nullish(),
      externalName: z.string().nullish(),
      selector: z.record(z.string(), z.string()).nullish(),
      publishNotReadyAddresses: z.boolean().nullish(),
      trafficDistribution: z.string().nullish(),
      ports: z.array(port).nullish(),
    })
    .prefault({}),
});
export type ServiceBody = z.infer<typeof serviceBody>;

const slicePort = z.object({ name: z.string().nullish(), port: z.int().min(1).max(65_535).nullish() });

const sliceEndpoint = z.object({
  addresses: z.array(address).min(1),
  conditions: z
    .object({ ready: z.boolean().nullish(), serving: z.boolean().nullish(), terminating: z.boolean().nullish() })
    .nullish(),
  targetRef: z
    .object({
      kind: z.string().nullish(),
      namespace: z.string().nullish(),
      name: z.string().nullish(),
      uid: z.string().nullish(),
    })
    .nullish(),
  nodeName: z.string().nullish(),
  zone: z.string().nullish(),
});
export type SliceEndpoint = z.infer<typeof sliceEndpoint>;

export const sliceBody = z.object({
  addressType: z.enum(['IPv4', 'IPv6', 'FQDN']).nullish(),
  endpoints: z.array(sliceEndpoint).nullish(),
  ports: z.array(slicePort).nullish(),
});
export type SliceBody = z.infer<typeof sliceBody>;

export const podBody = z.object({
  metadata: z.object({ uid: z.string().nullish(), deletionTimestamp: z.string().nullish() }).prefault({}),
  spec: z.object({ nodeName: z.string().nullish(), hostNetwork: z.boolean().nullish() }).prefault({}),
  status: z
    .object({
      phase: z.string().nullish(),
      podIP: address.nullish(),
      podIPs: z.array(z.object({ ip: address })).nullish(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).nullish(),
    })
    .prefault({}),
});
export type PodBody = z.infer<typeof podBody>;

export const configMapBody = z.object({ data: z.record(z.string(), z.string()).nullish() });
