import { err, ok, type Result } from '../lib/result.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { ServiceIdentity } from './identity.ts';
import { isKnownProtocol } from './protocols.ts';
import type { ServiceUrl } from './url.ts';

/** Instance of a service, as its provider registered it. */
export interface Provider {
  readonly identity: ServiceIdentity;
  /** Protocols that its port speaks, the registered one first. All are known (`protocols.ts`). */
  readonly protocols: readonly string[];
  /** IP address, or a host name. */
  readonly address: string;
  readonly port: number;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parameter with the port of the sidecar beside an instance, which takes the calls instead. */
export const sidecarPortParameter = 'mesh.binnacle.dev/sidecar-port';

/** Weight of a provider that does not say one, as in Dubbo. */
const usualWeight = 100;

/** Largest weight. Envoy adds the weights of a cluster up in 32 bits. */
const maxWeight = 100_000;

/** Parameters that say nothing to a rule, or differ from start to start. */
const notLabels = new Set([
  ...['anyhost', 'bind.ip', 'bind.port', 'category', 'check', 'codec', 'deprecated', 'disabled', 'dubbo', 'dynamic'],
  ...['enabled', 'export', 'ext.protocol', 'generic', 'id', 'interface', 'logger', 'metadata-type', 'methods'],
  ...['nodeType', 'path', 'pid', 'prefer.serialization', 'protocol', 'qos.enable', 'register-mode', 'revision'],
  ...['service-name-mapping', 'service.name', 'shareChannel', 'side', 'timeout', 'timestamp', 'warmup', 'weight'],
  sidecarPortParameter,
]);

/** Longest value of a label, as in Kubernetes. */
const maxLabelLength = 63;

/** Reads the URL of a provider. The error says why no proxy can call it. */
export function readProvider({ protocol, host, port, path, parameters }: ServiceUrl): Result<Provider, string> {
  if (!isKnownProtocol(protocol)) return err(`its protocol '${protocol}' is unknown`);
  if (host === '') return err('it has no address');
  if (port === null || port === 0) return err('it has no port');
  const name = parameters.get('interface') || path;
  if (name === '') return err('it has no interface');
  const sidecar = parameters.get(sidecarPortParameter);
  if (sidecar !== undefined && !isPort(Number(sidecar))) return err(`its sidecar's port '${sidecar}' is not a port`);
  const others = (parameters.get('ext.protocol') ?? '').split(',').map((other) => other.trim().toLowerCase());
  return ok({
    identity: { interface: name, group: parameters.get('group') ?? '', version: parameters.get('version') ?? '' },
    protocols: [...new Set([protocol, ...others.filter(isKnownProtocol)])],
    address: host,
    port,
    parameters,
  });
}

const isPort = (number: number): boolean => Number.isInteger(number) && number >= 1 && number <= 65_535;

/**
 * Builds the endpoint of a provider. One that is disabled or has weight 0 is listed, and not called. `parameters` are
 * those of the provider, after rules have changed them.
 */
export function providerEndpoint(provider: Provider, parameters = provider.parameters): Endpoint {
  const weight = weightOf(parameters.get('weight'));
  const isDisabled = parameters.get('disabled') === 'true' || parameters.get('enabled') === 'false';
  const port = Number(parameters.get(sidecarPortParameter) ?? provider.port);
  const locality = ['region', 'zone', 'subzone'].map((part) => parameters.get(part) ?? '');
  return {
    address: provider.address,
    ports: Object.fromEntries(provider.protocols.map((protocol) => [protocol, port])),
    labels: labelsOf(parameters),
    weight: Math.max(weight, 1),
    locality: locality.join('/').replace(/\/+$/, ''),
    network: '',
    cluster: '',
    health: isDisabled || weight === 0 ? 'unhealthy' : 'healthy',
    workload: null,
  };
}

function weightOf(text: string | undefined): number {
  if (text === undefined || !/^-?\d+$/.test(text)) return usualWeight;
  return Math.min(Math.max(Number(text), 0), maxWeight);
}

/** Returns the parameters that rules can select instances by. */
const labelsOf = (parameters: ReadonlyMap<string, string>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...parameters]
      .filter(([key, value]) => !notLabels.has(key) && key.length <= maxLabelLength && value.length <= maxLabelLength)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
