import { addressText, type EnvoyJson, mapAt, mapsAt, textAt, textsAt } from './json.ts';
import { destinationText } from './routes.ts';
import type { ResourceSection } from './section.ts';

/** Rows of listeners, one for each filter chain. */
export const listeners: ResourceSection = {
  list: 'dynamic_listeners',
  resourceOf: (entry) => mapAt(mapAt(entry, 'active_state'), 'listener'),
  head: ['LISTENER', 'ADDRESS', 'MATCH', 'DESTINATION'],
  rowsOf(listener) {
    const name = textAt(listener, 'name');
    const address = addressText(mapAt(listener, 'address'));
    const chains = mapsAt(listener, 'filter_chains').map((chain) => [
      name,
      address,
      matchText(chain),
      trafficText(chain),
    ]);
    const rest = mapAt(listener, 'default_filter_chain');
    return Object.keys(rest).length === 0 ? chains : [...chains, [name, address, 'anything else', trafficText(rest)]];
  },
};

function matchText(chain: EnvoyJson): string {
  const match = mapAt(chain, 'filter_chain_match');
  const ranges = mapsAt(match, 'prefix_ranges').map(
    (range) => `${textAt(range, 'address_prefix')}/${range.prefix_len ?? 0}`,
  );
  const conditions = [
    ...(match.destination_port === undefined ? [] : [`port ${match.destination_port}`]),
    ...(ranges.length > 0 ? [`address ${ranges.join(', ')}`] : []),
    ...(textsAt(match, 'server_names').length > 0 ? [`server name ${textsAt(match, 'server_names').join(', ')}`] : []),
    ...(textAt(match, 'transport_protocol') === '' ? [] : [`transport ${textAt(match, 'transport_protocol')}`]),
    ...(textsAt(match, 'application_protocols').length > 0
      ? [`protocol ${textsAt(match, 'application_protocols').join(', ')}`]
      : []),
  ];
  return conditions.join('; ') || 'anything';
}

function trafficText(chain: EnvoyJson): string {
  for (const filter of mapsAt(chain, 'filters')) {
    const config = mapAt(filter, 'typed_config');
    const type = textAt(config, '@type');
    if (type.endsWith('.HttpConnectionManager')) {
      const route = textAt(mapAt(config, 'rds'), 'route_config_name');
      return route === '' ? 'HTTP: routes of the listener itself' : `HTTP: route ${route}`;
    }
    if (type.endsWith('.TcpProxy')) return `TCP: ${destinationText(config)}`;
  }
  return '-';
}
