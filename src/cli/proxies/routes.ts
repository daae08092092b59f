import { type EnvoyJson, mapAt, mapsAt, numberAt, textAt, textsAt } from './json.ts';
import type { ResourceSection } from './section.ts';

/** Rows of routes, in the order in which a proxy tries them. */
export const routes: ResourceSection = {
  list: 'dynamic_route_configs',
  resourceOf: (entry) => mapAt(entry, 'route_config'),
  head: ['CONFIGURATION', 'VIRTUAL HOST', 'DOMAINS', 'MATCH', 'DESTINATION'],
  rowsOf: (configuration) =>
    mapsAt(configuration, 'virtual_hosts').flatMap((host) =>
      mapsAt(host, 'routes').map((route) => [
        textAt(configuration, 'name'),
        textAt(host, 'name'),
        domainsText(textsAt(host, 'domains')),
        routeMatchText(mapAt(route, 'match')),
        actionText(route),
      ]),
    ),
};

const domainsText = ([first = '', ...others]: readonly string[]): string =>
  others.length === 0 ? first : `${first} + ${others.length}`;

function routeMatchText(match: EnvoyJson): string {
  const path =
    textAt(match, 'path') ||
    (textAt(match, 'prefix') && `${textAt(match, 'prefix')}*`) ||
    (textAt(match, 'path_separated_prefix') && `${textAt(match, 'path_separated_prefix')}[/*]`) ||
    (textAt(mapAt(match, 'safe_regex'), 'regex') && `~${textAt(mapAt(match, 'safe_regex'), 'regex')}`);
  const names = (key: string) => mapsAt(match, key).map((one) => textAt(one, 'name'));
  return [
    path,
    ...names('headers').map((name) => `header ${name}`),
    ...names('query_parameters').map((name) => `?${name}`),
  ]
    .filter(Boolean)
    .join(', ');
}

function actionText(route: EnvoyJson): string {
  if (route.direct_response !== undefined) return `answers ${numberAt(mapAt(route, 'direct_response'), 'status')}`;
  if (route.redirect !== undefined) {
    const { host_redirect: host = '', path_redirect: path = '' } = mapAt(route, 'redirect');
    return `redirects to ${host}${path}`;
  }
  return destinationText(mapAt(route, 'route'));
}

/** Formats the clusters of a route or a TCP proxy: `a 90, b 10`. */
export function destinationText(action: EnvoyJson): string {
  const weighted = mapsAt(mapAt(action, 'weighted_clusters'), 'clusters');
  if (weighted.length > 0)
    return weighted.map((one) => `${textAt(one, 'name')} ${numberAt(one, 'weight', '0')}`).join(', ');
  return textAt(action, 'cluster') || '-';
}
