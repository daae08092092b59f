import { isPartialWildcard } from '../../../model/names.ts';
import { pathFinder } from '../../present-paths.ts';
import type { Problem, RuleKind } from '../../rule.ts';
import { countColumn, targetColumn, textColumn } from '../shared/columns.ts';
import { listColumn } from '../shared/list-column.ts';
import { pendingFieldsOfWorkloads } from '../workload-entry/index.ts';
import { uncallableReason } from '../workload-entry/translate.ts';
import { type ServiceEntrySpec, serviceEntrySpec } from './schema.ts';

/** A service that no platform lists: outside the mesh, or on separate machines. */
export const serviceEntry: RuleKind<'ServiceEntry', ServiceEntrySpec> = {
  kind: 'ServiceEntry',
  plural: 'serviceentries',
  singular: 'serviceentry',
  shortNames: ['se'],
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  scope: 'namespaced',
  readsLabels: true,
  about: 'A service that no platform lists: outside the mesh, or on separate machines.',
  spec: serviceEntrySpec,
  columns: [
    listColumn('Hosts', 'hosts', { about: 'The hosts that are called.' }),
    textColumn('Location', 'location', { about: 'Whether it is outside the mesh or part of it.' }),
    textColumn('Resolution', 'resolution', { about: 'How proxies resolve endpoint addresses.' }),
    countColumn('Endpoints', 'endpoints', { about: 'Number of endpoints in the entry itself.', wide: true }),
    targetColumn,
    listColumn('Exported to', 'exportTo', { about: 'The namespaces whose proxies see it.', wide: true }),
  ],
  pending: pendingServiceEntryFields,
  doubts: partialWildcards,
};

/** Returns valid fields that are stored but not in effect yet, so that their author learns of them. */
function pendingServiceEntryFields(spec: ServiceEntrySpec): readonly string[] {
  const uncallable = (spec.endpoints ?? []).flatMap((endpoint, index) =>
    uncallableReason(endpoint) === null ? [] : [`spec.endpoints[${index}]`],
  );
  return [...uncallable, ...findPending(spec)];
}

const findPending = pathFinder(pendingFieldsOfWorkloads.map((field) => `endpoints[].${field}`));

/** Warns of wildcards that Envoy cannot match to server names. */
function partialWildcards({ hosts }: ServiceEntrySpec): readonly Problem[] {
  return hosts.flatMap((host, index) =>
    isPartialWildcard(host)
      ? [
          {
            path: `spec.hosts[${index}]`,
            message: `${host} matches hosts of HTTP requests only: TLS needs *.${host.split('.').slice(1).join('.')}`,
          },
        ]
      : [],
  );
}
