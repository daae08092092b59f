import { z } from 'zod';
import { ipVersion } from '../../../lib/ip.ts';
import { portNumber } from '../../fields.ts';

const portName = z
  .string()
  .max(62, 'must be 62 characters or less')
  .regex(/^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, 'letters, digits and dashes');

const dnsName = /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.?$/i;

/** Whether it is a hostname without a wildcard. */
export const isDnsName = (text: string): boolean => text.length <= 255 && ipVersion(text) === 0 && dnsName.test(text);

/** Whether it names a socket of the machine instead of an address. */
export const isUnixAddress = (text: string): boolean => text.startsWith('unix://');

/** WorkloadEntry of networking.istio.io, which ServiceEntry's inline endpoints share: https://istio.io/latest/docs/reference/config/networking/workload-entry/ */
export const workloadEntrySpec = z
  .strictObject({
    address: z.string().max(256).optional(),
    /** Port number by the name of the service's port. */
    ports: z.record(portName, portNumber).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    network: z.string().max(2_048).optional(),
    /** `region/zone/subzone`. */
    locality: z.string().max(2_048).optional(),
    /** Relative; 0 or absent means 1. */
    weight: z.int().min(0).max(4_294_967_295).optional(),
    serviceAccount: z.string().max(253).optional(),
  })
  .superRefine((spec, context) => {
    const complain = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    const address = spec.address ?? '';
    if (address === '') {
      if ((spec.network ?? '') === '') complain('address', 'is required, unless network is set');
      return;
    }
    if (isUnixAddress(address)) {
      if (!/^unix:\/\/[/@].*[^/]$/.test(address)) complain('address', 'must be an absolute path or an abstract socket');
      if (spec.ports !== undefined) complain('ports', 'a unix domain socket has no ports');
      return;
    }
    if (ipVersion(address) === 0 && !isDnsName(address)) complain('address', 'must be an IP address or a hostname');
  });

export type WorkloadEntrySpec = z.infer<typeof workloadEntrySpec>;
