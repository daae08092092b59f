import { addressText, type EnvoyJson, mapAt, mapsAt, numberAt, textAt } from './json.ts';
import type { ResourceSection } from './section.ts';

/** Rows of clusters: `outbound|80|v1|host` in its parts. */
export const clusters: ResourceSection = {
  list: 'dynamic_active_clusters',
  resourceOf: (entry) => mapAt(entry, 'cluster'),
  head: ['HOST', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'LOAD BALANCING'],
  rowsOf(cluster) {
    const name = textAt(cluster, 'name');
    const [direction = '', port = '', subset = '', host = ''] = name.includes('|')
      ? name.split('|')
      : ['', '', '', name];
    const type = textAt(cluster, 'type') || textAt(mapAt(cluster, 'cluster_type'), 'name') || 'STATIC';
    return [
      [host || '-', port || '-', subset || '-', direction || '-', type, textAt(cluster, 'lb_policy') || 'ROUND_ROBIN'],
    ];
  },
};

/** Rows of endpoints, each with its cluster. */
export const endpoints: ResourceSection = {
  list: 'dynamic_endpoint_configs',
  resourceOf: (entry) => mapAt(entry, 'endpoint_config'),
  nameOf: (assignment) => textAt(assignment, 'cluster_name'),
  head: ['ENDPOINT', 'HEALTH', 'WEIGHT', 'LOCALITY', 'PRIORITY', 'CLUSTER'],
  rowsOf: (assignment) =>
    mapsAt(assignment, 'endpoints').flatMap((group) =>
      mapsAt(group, 'lb_endpoints').map((endpoint) => [
        addressText(mapAt(mapAt(endpoint, 'endpoint'), 'address')),
        textAt(endpoint, 'health_status') || 'HEALTHY',
        numberAt(endpoint, 'load_balancing_weight', '1'),
        localityText(mapAt(group, 'locality')) || '-',
        numberAt(group, 'priority', '0'),
        textAt(assignment, 'cluster_name'),
      ]),
    ),
};

const localityText = (locality: EnvoyJson): string =>
  ['region', 'zone', 'sub_zone']
    .map((key) => textAt(locality, key))
    .filter(Boolean)
    .join('/');
