import type { Rule, RuleKind } from '../../rule.ts';
import { listColumn } from '../shared/list-column.ts';
import { compiledVirtualService } from './audience.ts';
import { formerFields } from './former-fields.ts';
import { idleFaults } from './idle-faults.ts';
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
  pending: () => [],
  doubts: (spec) => [...largeExpressions(spec), ...idleFaults(spec)],
  formerFields,
  compiled: compiledVirtualService,
};

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
