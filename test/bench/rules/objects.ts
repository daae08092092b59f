import { hostOf, namespace } from '../mesh.ts';

/** An object as an administrator sends it. */
export interface RuleObject {
  readonly apiVersion: string;
  readonly kind: 'VirtualService' | 'DestinationRule';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: unknown;
}

export interface ObjectsOptions {
  readonly count: number;
  /** Number of services in the mesh that objects may refer to. */
  readonly services: number;
  /** Part of their names. Only the first set on a server may be for hosts of the mesh. */
  readonly prefix?: string;
}

/** One in this many hosts is a service of the mesh. The others are hosts outside it. */
const meshHostEvery = 5;

/**
 * Creates a VirtualService and a DestinationRule for each host, with 0.5 to 0.7 KB of JSON each. With 10,000 objects
 * and a mesh of 1,000 services, every service has both.
 */
export function ruleObjects({ count, services, prefix }: ObjectsOptions): readonly RuleObject[] {
  return Array.from({ length: count }, (_, index) => {
    const pair = Math.floor(index / 2);
    const service = pair % services;
    const isOfMesh = prefix === undefined && pair % meshHostEvery === 0;
    const host = isOfMesh ? hostOf(pair / meshHostEvery) : `${prefix ?? 'partner'}-${pair}.example.com`;
    const name = `${prefix ?? 'rule'}-${String(pair).padStart(5, '0')}`;
    return index % 2 === 0
      ? virtualService(name, { host, destination: isOfMesh ? host : hostOf(service) })
      : destinationRule(name, host);
  });
}

/** Text that only the routes of the last VirtualService for a host of the mesh contain. */
export function lastRouteToken(objects: readonly RuleObject[]): string {
  const last = objects.findLast(({ kind, metadata }) => kind === 'VirtualService' && isForMesh(metadata.name));
  if (last === undefined) throw new Error('no object is for a host of the mesh');
  return tokenOf(last.metadata.name);
}

const isForMesh = (name: string): boolean => name.startsWith('rule-') && Number(name.slice(5)) % meshHostEvery === 0;
const tokenOf = (name: string): string => `/${name}/`;

function virtualService(
  name: string,
  { host, destination }: { readonly host: string; readonly destination: string },
): RuleObject {
  const route = [{ destination: { host: destination, port: { number: 80 } } }];
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace },
    spec: {
      hosts: [host],
      http: [
        {
          match: [{ uri: { prefix: tokenOf(name) }, headers: { 'x-release': { exact: 'candidate' } } }],
          timeout: '5s',
          retries: { attempts: 3, perTryTimeout: '2s', retryOn: '5xx,reset' },
          route,
        },
        { timeout: '10s', route },
      ],
    },
  };
}

function destinationRule(name: string, host: string): RuleObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name, namespace },
    spec: {
      host,
      trafficPolicy: {
        loadBalancer: { simple: 'LEAST_REQUEST' },
        connectionPool: {
          tcp: { maxConnections: 200, connectTimeout: '2s' },
          http: { http1MaxPendingRequests: 100, http2MaxRequests: 1_000, maxRequestsPerConnection: 50 },
        },
        outlierDetection: {
          consecutive5xxErrors: 7,
          consecutiveGatewayErrors: 5,
          interval: '10s',
          baseEjectionTime: '30s',
          maxEjectionPercent: 50,
        },
      },
    },
  };
}
