import type { RuleKind } from '../../rule.ts';
import { textsOf } from '../shared/columns.ts';
import { type GatewaySpec, gatewaySpec } from './schema.ts';

/** Istio's Gateway: the listeners of proxies at the edge of the mesh. */
export const gateway: RuleKind<'Gateway', GatewaySpec> = {
  kind: 'Gateway',
  plural: 'gateways',
  singular: 'gateway',
  shortNames: ['gw'],
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  scope: 'namespaced',
  about: 'Ports, hosts and certificates of the proxies at the edge of the mesh.',
  spec: gatewaySpec,
  columns: [
    {
      name: 'Selector',
      type: 'string',
      about: 'Labels of its gateways.',
      value: ({ selector }) => labelsText(selector),
    },
    {
      name: 'Protocols',
      type: 'string',
      about: 'The protocols of its servers.',
      value: (spec) => textsOf(spec, 'servers', 'port.protocol'),
    },
    {
      name: 'Hosts',
      type: 'string',
      about: 'The hosts of its servers.',
      wide: true,
      value: ({ servers }) => (Array.isArray(servers) ? hostsText(servers) : null),
    },
  ],
  pending: () => ['spec'],
};

const labelsText = (labels: unknown): string | null =>
  typeof labels !== 'object' || labels === null
    ? null
    : Object.entries(labels)
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(',');

const hostsText = (servers: readonly unknown[]): string | null =>
  [...new Set(servers.flatMap((server) => hostsOf(server)))].join(',') || null;

const hostsOf = (server: unknown): readonly string[] => {
  const hosts: unknown = typeof server === 'object' && server !== null ? Reflect.get(server, 'hosts') : undefined;
  return Array.isArray(hosts) ? hosts.map(String) : [];
};
