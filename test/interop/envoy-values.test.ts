import { beforeAll, expect, it } from 'vitest';
import type { RouteConfigurationJson, VirtualHostJson } from '../../src/proto/json.ts';
import { virtualService } from '../../src/rules/kinds/virtual-service/index.ts';
import { problemsWith } from '../support/bad-specs.ts';
import { describeWith } from '../support/describe-with.ts';
import { envoyVerdicts } from '../support/envoy-verdicts.ts';
import { compiledWorld, rule, service } from '../support/world.ts';

/** Texts that some part on the way may reject. */
const texts: readonly string[] = [
  ...['', ' ', '\t', '\n', '\r', '\0', '\u0001', '\u007f', '\u0085', '\u2028', '\ufeff', '\ud800', 'é', '😀'],
  ...[
    'a\nb',
    'a\0',
    '%',
    '%%',
    '%a',
    '%REQ(a)%',
    '%n',
    '\\',
    '\\1',
    '\\9',
    '$1',
    '?',
    '#',
    '/',
    '//',
    '*',
    '**',
    '*.',
    '.',
  ],
  ...[
    '(',
    '[',
    'a{',
    '{}',
    ':',
    ':path',
    'host',
    '"',
    "'",
    '<',
    'a'.repeat(1_025),
    'a'.repeat(16_385),
    '0',
    '-1',
    '100',
  ],
];

const route = [{ destination: { host: 'reviews' } }];
const matching = (match: object) => ({ route, match: [match] });

/** Returns a route with the text in one place. */
const places: Readonly<Record<string, (text: string) => object>> = {
  name: (name) => ({ name, route }),
  'match.name': (name) => matching({ name }),
  'match.uri.exact': (exact) => matching({ uri: { exact } }),
  'match.uri.prefix': (prefix) => matching({ uri: { prefix } }),
  'match.uri.regex': (regex) => matching({ uri: { regex } }),
  'match.uri, ignoring case': (exact) => matching({ uri: { exact }, ignoreUriCase: true }),
  'match.scheme.exact': (exact) => matching({ scheme: { exact } }),
  'match.method.prefix': (prefix) => matching({ method: { prefix } }),
  'match.authority.exact': (exact) => matching({ authority: { exact } }),
  'match.headers, a name': (name) => matching({ headers: { [name]: { exact: 'a' } } }),
  'match.headers, a presence': (name) => matching({ headers: { [name]: {} } }),
  'match.headers.exact': (exact) => matching({ headers: { 'x-a': { exact } } }),
  'match.headers.prefix': (prefix) => matching({ headers: { 'x-a': { prefix } } }),
  'match.headers.regex': (regex) => matching({ headers: { 'x-a': { regex } } }),
  'match.withoutHeaders, a name': (name) => matching({ withoutHeaders: { [name]: { exact: 'a' } } }),
  'match.queryParams, a name': (name) => matching({ queryParams: { [name]: { exact: 'a' } } }),
  'match.queryParams.exact': (exact) => matching({ queryParams: { a: { exact } } }),
  'match.queryParams.regex': (regex) => matching({ queryParams: { a: { regex } } }),
  'rewrite.uri': (uri) => ({ route, rewrite: { uri } }),
  'rewrite.authority': (authority) => ({ route, rewrite: { authority } }),
  'rewrite.uri with an authority': (uri) => ({ route, rewrite: { uri, authority: 'a' } }),
  'rewrite.uriRegexRewrite.match': (match) => ({ route, rewrite: { uriRegexRewrite: { match, rewrite: 'a' } } }),
  'rewrite.uriRegexRewrite.rewrite': (rewrite) => ({ route, rewrite: { uriRegexRewrite: { match: '(a)', rewrite } } }),
  'redirect.uri': (uri) => ({ redirect: { uri } }),
  'redirect.uri, a prefix': (text) => ({ redirect: { uri: `%PREFIX()%${text}` } }),
  'redirect.prefixRewrite': (prefixRewrite) => ({ redirect: { prefixRewrite } }),
  'redirect.authority': (authority) => ({ redirect: { authority } }),
  'directResponse.body.string': (string) => ({ directResponse: { status: 200, body: { string } } }),
  'headers.request.set, a name': (name) => ({ route, headers: { request: { set: { [name]: 'a' } } } }),
  'headers.request.set': (value) => ({ route, headers: { request: { set: { 'x-a': value } } } }),
  'headers.request.set, the host': (value) => ({ route, headers: { request: { set: { host: value } } } }),
  'headers.request.add, a name': (name) => ({ route, headers: { request: { add: { [name]: 'a' } } } }),
  'headers.request.remove': (name) => ({ route, headers: { request: { remove: [name] } } }),
  'headers.response.set': (value) => ({ route, headers: { response: { set: { 'x-a': value } } } }),
  'headers.response.remove': (name) => ({ route, headers: { response: { remove: [name] } } }),
  'route.headers.request.set': (value) => ({
    route: [{ ...route[0], headers: { request: { set: { 'x-a': value } } } }],
  }),
  'route.destination.host': (host) => ({ route: [{ destination: { host } }] }),
  'route.destination.subset': (subset) => ({ route: [{ destination: { host: 'reviews', subset } }] }),
  'mirror.host': (host) => ({ route, mirror: { host } }),
  'retries.retryOn': (retryOn) => ({ route, retries: { attempts: 1, retryOn } }),
};

const specOf = (http: object) => ({ hosts: ['reviews'], http: [http] });

/** Returns the routes of reviews under a rule. */
function routesUnder(http: object): NonNullable<VirtualHostJson['routes']> {
  const world = compiledWorld();
  world.apply(service('reviews'), rule('VirtualService', 'sample', specOf(http)));
  const { virtualHosts } = world.json('route', '80') as unknown as RouteConfigurationJson; // JSON of this type
  return virtualHosts?.find(({ name }) => name?.startsWith('reviews'))?.routes ?? [];
}

describeWith(['envoy'], 'a VirtualService with any accepted value', () => {
  const samples = Object.entries(places).flatMap(([place, build]) =>
    texts.map((text) => ({
      name: `${place}: ${JSON.stringify(text.slice(0, 20))} (${text.length})`,
      http: build(text),
    })),
  );
  const taken = samples.filter(({ http }) => problemsWith(virtualService, specOf(http)).length === 0);
  let verdicts: Readonly<Record<string, string | null>>;
  beforeAll(async () => {
    verdicts = await envoyVerdicts(Object.fromEntries(taken.map(({ name, http }) => [name, routesUnder(http)])));
  });

  it('is accepted by a real Envoy', () => {
    const rejected = taken.flatMap(({ name }) => (verdicts[name] === null ? [] : [`${name}: ${verdicts[name]}`]));
    expect(rejected).toEqual([]);
  });

  it('covers some samples, and not all', () => {
    expect(taken.length).toBeGreaterThan(samples.length / 2);
    expect(samples.length - taken.length).toBeGreaterThan(samples.length / 10);
  });
});
