import { pathFinder } from '../../present-paths.ts';
import type { Rule, RuleKind } from '../../rule.ts';
import { listColumn } from '../shared/list-column.ts';
import { compiledVirtualService } from './audience.ts';
import { isAuthority } from './headers-schema.ts';
import { largeExpressions } from './large-expressions.ts';
import { type VirtualServiceSpec, virtualServiceSpec } from './schema.ts';

/** A validated VirtualService. */
export type VirtualService = Rule<'VirtualService', VirtualServiceSpec>;

/** Istio's VirtualService. */
export const virtualService: RuleKind<'VirtualService', VirtualServiceSpec> = {
  kind: 'VirtualService',
  plural: 'virtualservices',
  singular: 'virtualservice',
  shortNames: ['vs'],
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  scope: 'namespaced',
  about: 'Where requests to some hosts go: routes, weights, retries, timeouts, rewrites.',
  spec: virtualServiceSpec,
  columns: [
    listColumn('Gateways', 'gateways', { about: 'The gateways that apply it; nothing means all sidecars.' }),
    listColumn('Hosts', 'hosts', { about: 'The hosts that are called.' }),
    {
      name: 'Routes',
      type: 'integer',
      about: 'How many routes of HTTP, TLS and TCP it has.',
      wide: true,
      value: ({ http, tls, tcp }) => [http, tls, tcp].reduce((sum: number, it) => sum + lengthOf(it), 0),
    },
    listColumn('Exported to', 'exportTo', { about: 'The namespaces whose proxies see it.', wide: true }),
  ],
  pending: (spec) => pendingVirtualServiceFields(spec),
  doubts: largeExpressions,
  compiled: compiledVirtualService,
};

/** Fields that are accepted and stored but not compiled yet. They are reported to the author. */
export const pendingVirtualServiceFields = (spec: VirtualServiceSpec): readonly string[] =>
  isDelegate(spec) ? ['spec'] : [...findPending(spec), ...hostsOfDestinations(spec)];

const findPending = pathFinder([
  'tls',
  'tcp[].match[].destinationSubnets',
  'tcp[].match[].sourceSubnet',
  'http[].delegate',
  'http[].fault',
  'http[].corsPolicy',
  'http[].retries.retryRemoteLocalities',
  'http[].match[].statPrefix',
]);

/** A delegate: other VirtualServices route with it, and it routes nothing itself. */
const isDelegate = ({ hosts }: VirtualServiceSpec): boolean => hosts === undefined || hosts.length === 0;

/** A host set for one destination of several; for a whole route it is in effect. */
const hostsOfDestinations = (spec: VirtualServiceSpec): readonly string[] =>
  (spec.http ?? []).flatMap(({ route }, index) =>
    (route ?? []).flatMap(({ headers }, position) =>
      (['set', 'add'] as const).flatMap((operation) =>
        Object.keys(headers?.request?.[operation] ?? {})
          .filter(isAuthority)
          .map((name) => `spec.http[${index}].route[${position}].headers.request.${operation}.${name}`),
      ),
    ),
  );

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
