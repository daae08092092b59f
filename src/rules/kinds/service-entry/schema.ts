import { z } from 'zod';
import { ipVersion, isEveryAddress } from '../../../lib/ip.ts';
import { isProxyPort } from '../../../model/proxy.ts';
import { isHttp, isTls, type Protocol } from '../../../model/service.ts';
import { isAddressRange, isDnsName, isUnixAddress } from '../../addresses.ts';
import { exportTo, portNumber, selectorLabels } from '../../fields.ts';
import { protocolName, protocolOfPort } from '../../protocols.ts';
import { workloadEntrySpec } from '../workload-entry/schema.ts';

const port = z.strictObject({
  number: portNumber.describe('port that clients call'),
  name: z.string().min(1, 'a port needs a name').max(256).describe('name, unique within the object'),
  protocol: protocolName
    .optional()
    .describe('HTTP, HTTPS, GRPC, HTTP2, TLS, TCP, …; derived from the name if left out'),
  targetPort: portNumber.optional().describe("port of the endpoints; the service's port if left out"),
});

const shape = z.strictObject({
  hosts: z.array(z.string()).min(1, 'at least one host').max(256).describe('hostnames that clients call'),
  addresses: z.array(z.string().max(64)).max(256).optional().describe('IP addresses (or ranges) of the hosts'),
  ports: z.array(port).max(256).optional().describe('ports that clients call'),
  location: z
    .enum(['MESH_EXTERNAL', 'MESH_INTERNAL'])
    .optional()
    .describe('whether the service is outside the mesh (default) or part of it'),
  resolution: z
    .enum(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'])
    .optional()
    .describe('how proxies resolve endpoint addresses; NONE (the called address) if left out'),
  endpoints: z.array(workloadEntrySpec).max(4_096).optional().describe('list of endpoints'),
  workloadSelector: z
    .strictObject({
      labels: selectorLabels(256).optional().describe('labels that the workloads must have, all of them'),
    })
    .optional()
    .describe('selects endpoints by labels, in place of a list: WorkloadEntries and workloads of platforms'),
  exportTo: exportTo.optional().describe('namespaces whose proxies see it; the default of the mesh if left out'),
  subjectAltNames: z.array(z.string()).optional().describe('names of which an endpoint certificate must have one'),
});

export type ServiceEntrySpec = z.infer<typeof shape>;

type Complain = (path: readonly (string | number)[], message: string) => void;

/** ServiceEntry of networking.istio.io: https://istio.io/latest/docs/reference/config/networking/service-entry/ */
export const serviceEntrySpec: z.ZodType<ServiceEntrySpec> = shape.superRefine((spec, context) => {
  const complain: Complain = (path, message) => context.addIssue({ code: 'custom', path: [...path], message });
  checkHosts(spec, complain);
  checkAddresses(spec, complain);
  checkPorts(spec, complain);
  checkEndpoints(spec, complain);
});

function checkHosts(spec: ServiceEntrySpec, complain: Complain): void {
  const isResolved = spec.resolution === 'DNS' || spec.resolution === 'DNS_ROUND_ROBIN';
  for (const [index, host] of spec.hosts.entries()) {
    const isWild = host.startsWith('*');
    if (host === '*') complain(['hosts', index], "'*' would capture everything; name a domain such as *.example.com");
    else if (!isDnsName(isWild ? host.replace(/^\*[.-]?/, '') : host))
      complain(['hosts', index], 'must be a hostname such as example.com');
    else if (isWild && isResolved && !spec.endpoints?.length) {
      complain(['hosts', index], `a wildcard cannot be resolved: with resolution ${spec.resolution} give endpoints`);
    } else if (!isWild && spec.resolution === 'DYNAMIC_DNS') {
      complain(['hosts', index], 'must be a wildcard with resolution DYNAMIC_DNS; DNS resolves one name');
    }
  }
}

function checkAddresses(spec: ServiceEntrySpec, complain: Complain): void {
  const resolution = spec.resolution ?? 'NONE';
  if (resolution === 'DYNAMIC_DNS' && spec.addresses?.length) {
    complain(['addresses'], 'resolution DYNAMIC_DNS resolves the called name: leave the addresses out');
  }
  for (const [index, address] of (spec.addresses ?? []).entries()) {
    if (!isAddressRange(address)) complain(['addresses', index], 'must be an IP address or a CIDR such as 10.0.0.0/8');
    else if (isEveryAddress(address)) {
      complain(['addresses', index], 'stands for every address: leave it out, or name the addresses that clients call');
    } else if (address.includes('/') && resolution.startsWith('DNS')) {
      complain(['addresses', index], 'a CIDR is allowed only with resolution NONE or STATIC');
    }
  }
}

function checkPorts(spec: ServiceEntrySpec, complain: Complain): void {
  const names = new Set<string>();
  const numbers = new Set<number>();
  for (const [index, { name, number }] of (spec.ports ?? []).entries()) {
    if (names.has(name)) complain(['ports', index, 'name'], `'${name}' is used twice`);
    if (numbers.has(number)) complain(['ports', index, 'number'], `${number} is used twice`);
    if (isProxyPort(number)) complain(['ports', index, 'number'], `${number} is a port of the sidecars themselves`);
    names.add(name);
    numbers.add(number);
  }
  checkProtocols(spec, complain);
}

/** Rejects ports whose connections do not name their host. */
function checkProtocols({ hosts, ports = [], resolution = 'NONE' }: ServiceEntrySpec, complain: Complain): void {
  for (const [index, port] of ports.entries()) {
    const protocol = protocolOfPort(port);
    if (resolution === 'DYNAMIC_DNS' && !dynamicProtocols.includes(protocol)) {
      complain(['ports', index, 'protocol'], 'must be HTTP, HTTP2, GRPC, HTTPS or TLS with resolution DYNAMIC_DNS');
    } else if (resolution !== 'NONE' && hosts.length > 1 && !isHttp(protocol) && !isTls(protocol)) {
      complain(['hosts'], `several hosts need HTTP or TLS, which name the host: port ${port.number} has neither`);
    }
  }
}

const dynamicProtocols: readonly Protocol[] = ['http', 'http2', 'grpc', 'https', 'tls'];

function checkEndpoints(spec: ServiceEntrySpec, complain: Complain): void {
  const endpoints = spec.endpoints ?? [];
  const resolution = spec.resolution ?? 'NONE';
  if (spec.endpoints !== undefined && spec.workloadSelector !== undefined) {
    complain(['workloadSelector'], 'only one of workloadSelector and endpoints may be set');
  }
  if (resolution === 'NONE' && endpoints.length > 0) {
    complain(['endpoints'], 'resolution NONE has no endpoints: choose STATIC or DNS, or leave them out');
  }
  if (resolution === 'DYNAMIC_DNS' && endpoints.length > 0) {
    complain(['endpoints'], 'resolution DYNAMIC_DNS resolves the called name: leave the endpoints out');
  }
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) {
    complain(['endpoints'], 'resolution DNS_ROUND_ROBIN takes one endpoint at most');
  }
  const portNames = new Set((spec.ports ?? []).map(({ name }) => name));
  for (const [index, endpoint] of endpoints.entries()) {
    const address = endpoint.address ?? '';
    if (resolution === 'STATIC' && address !== '' && ipVersion(address) === 0 && !isUnixAddress(address)) {
      complain(['endpoints', index, 'address'], 'must be an IP address with resolution STATIC');
    }
    if (resolution.startsWith('DNS') && isUnixAddress(address)) {
      complain(['endpoints', index, 'address'], `a unix domain socket cannot be resolved with ${resolution}`);
    }
    for (const name of Object.keys(endpoint.ports ?? {})) {
      if (!portNames.has(name))
        complain(['endpoints', index, 'ports', name], 'is not the name of a port of this entry');
    }
  }
}
