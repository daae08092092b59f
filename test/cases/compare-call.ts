import type { Answer, ProxyConfiguration, SimulatedCall } from '../../src/simulator/call.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import type { MeshCall } from './read-cases.ts';

type Expected = MeshCall['expect'];

/** Returns how the answer to a call differs from the expected one, for people; null if it does not. */
export function callDifference(call: MeshCall, index: number, configuration: ProxyConfiguration): string | null {
  const answer = simulate(configuration, callOf(call));
  const came = claims(answer);
  const wanted = Object.entries(call.expect).filter(([, value]) => value !== undefined);
  const wrong = wanted.filter(([name, value]) => !isEqual(value, came[name as keyof Expected]));
  if (wrong.length === 0) return null;
  const { outcome } = answer;
  return [
    `calls[${index}] ${titleOf(call)}`,
    `  expected ${lineOf(call.expect)}`,
    `  came     ${lineOf(came)}${outcome.type === 'error' ? ` (${outcome.reason})` : ''}`,
  ].join('\n');
}

function callOf(call: MeshCall): SimulatedCall {
  const { direction, address, port, protocol, tls, sni, host, path, method, headers } = call;
  return {
    ...{ direction, address, port, protocol, tls, sni, host, path, method },
    alpn: call.alpn === undefined ? defaultAlpn[tls][protocol] : [call.alpn],
    headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    source: null,
  };
}

const defaultAlpn: Readonly<Record<MeshCall['tls'], Readonly<Record<MeshCall['protocol'], readonly string[]>>>> = {
  none: { http: [], http2: [], tcp: [] },
  tls: { http: ['http/1.1'], http2: ['h2'], tcp: [] },
  mtls: { http: ['istio-http/1.1'], http2: ['istio-h2'], tcp: ['istio'] },
};

/** Describes an answer with the fields of an expectation. Parts without a name are left out. */
function claims({ listener, chain, virtualHost, route, outcome }: Answer): Expected {
  const way = Object.entries({ listener, chain, virtualHost, route }).filter(
    ([, value]) => value !== null && value !== '',
  );
  return { ...Object.fromEntries(way), ...result(outcome) };
}

function result(outcome: Answer['outcome']): Expected {
  if (outcome.type === 'error') return { error: outcome.error };
  if (outcome.type === 'redirect') return { redirect: outcome.status };
  if (outcome.type === 'respond') return { respond: outcome.status };
  const used = outcome.clusters.length === 1 ? outcome.clusters : outcome.clusters.filter(({ weight }) => weight > 0);
  const [first, ...others] = used;
  if (first !== undefined && others.length === 0) return { cluster: first.name };
  return { weights: Object.fromEntries(used.map(({ name, weight }) => [name, weight])) };
}

function isEqual(expected: Expected[keyof Expected], came: Expected[keyof Expected]): boolean {
  if (typeof expected === 'object') return typeof came === 'object' && isSameShare(expected, came);
  return expected === came || (isNotFound(expected) && isNotFound(came));
}

/** Both are a 404; README.md takes them as equal. */
const isNotFound = (error: unknown): boolean => error === 'no-route' || error === 'no-virtual-host';

/** Compares relative weights. */
function isSameShare(expected: Readonly<Record<string, number>>, came: Readonly<Record<string, number>>): boolean {
  const [wanted, given] = [shares(expected), shares(came)];
  return wanted.size === given.size && [...wanted].every(([name, share]) => given.get(name) === share);
}

function shares(weights: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  const used = Object.entries(weights).filter(([, weight]) => weight > 0);
  const sum = used.reduce((total, [, weight]) => total + weight, 0);
  return new Map(used.map(([name, weight]) => [name, weight / sum]));
}

function titleOf({ direction, protocol, tls, sni, method, host, path, headers, address, port, note }: MeshCall) {
  const secure = tls === 'none' ? '' : ` over ${tls}${sni === '' ? '' : ` for ${sni}`}`;
  const request = protocol === 'tcp' ? '' : ` ${method} ${host}${path}`;
  const given = Object.entries(headers).map(([name, value]) => ` ${name}=${value}`);
  const why = note === undefined ? '' : ` (${note})`;
  return `${direction} ${protocol}${secure}${request}${given.join('')} to ${address || '*'}:${port}${why}`;
}

const lineOf = (expected: Expected): string =>
  Object.entries(expected)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ');
