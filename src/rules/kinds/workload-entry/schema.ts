import { z } from 'zod';
import { ipVersion } from '../../../lib/ip.ts';
import { isDnsName, isUnixAddress, wrongUnixAddress } from '../../addresses.ts';
import { labels, portNumber, uint32 } from '../../fields.ts';

const maxPorts = 128;
const maxLabels = 256;

const portName = z
  .string()
  .max(62, 'must be 62 characters or less')
  .regex(/^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, 'letters, digits and dashes');

const shape = z.strictObject({
  address: z.string().max(256).optional().describe('IP address, hostname, or unix:///path of a socket'),
  ports: z
    .record(portName, portNumber)
    .refine((ports) => Object.keys(ports).length <= maxPorts, `must have at most ${maxPorts} ports`)
    .meta({ maxProperties: maxPorts })
    .optional()
    .describe("port by the name of the service's port, if it differs"),
  labels: labels
    .refine((value) => Object.keys(value).length <= maxLabels, `must have at most ${maxLabels} labels`)
    .meta({ maxProperties: maxLabels })
    .optional()
    .describe('labels for selectors'),
  network: z.string().max(2_048).optional().describe('network of the address'),
  locality: z.string().max(2_048).optional().describe('region/zone/subzone'),
  weight: uint32.optional().describe('share of requests; 1 if left out'),
  serviceAccount: z.string().max(253).optional().describe('service account of the workload'),
});

/** Checks that apply to a workload with or without an address. */
export const workloadTemplate = shape.superRefine(({ address = '', ports }, context) => {
  const complain = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  if (isUnixAddress(address)) {
    const wrong = wrongUnixAddress(address);
    if (wrong !== null) complain('address', wrong);
    if (ports !== undefined) complain('ports', 'a unix domain socket has no ports');
  } else if (address !== '' && ipVersion(address) === 0 && !isDnsName(address)) {
    complain('address', 'must be an IP address or a hostname');
  }
});

/** WorkloadEntry of networking.istio.io, which ServiceEntry's inline endpoints share: https://istio.io/latest/docs/reference/config/networking/workload-entry/ */
export const workloadEntrySpec = workloadTemplate.refine(({ address, network }) => Boolean(address || network), {
  error: 'is required, unless network is set',
  path: ['address'],
});

export type WorkloadEntrySpec = z.infer<typeof shape>;
