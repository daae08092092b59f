import type { ServiceIdentity } from '../../src/dubbo/identity.ts';
import { providerOrigin } from '../../src/dubbo/origin.ts';
import { type Provider, providerEndpoint, readProvider } from '../../src/dubbo/provider.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import type { NacosInstance } from './messages.ts';
import { portFor } from './ports.ts';
import {
  atEachAddress,
  clusterLabel,
  distinctPorts,
  instanceId,
  isListed,
  type TranslatedInstances,
  type TranslateOptions,
} from './translate.ts';

/**
 * Returns the identity of a service that Dubbo registers at the level of interfaces, or null for other names. Its name is
 * `providers:<interface>:<version>:<group>`, of which version and group may be empty.
 */
export function dubboIdentity(name: string): ServiceIdentity | null {
  const [category, iface = '', version = '', ...group] = name.split(':');
  return category === 'providers' && iface !== '' ? { interface: iface, version, group: group.join(':') } : null;
}

/**
 * Converts providers of Dubbo. Their metadata are the parameters of Dubbo's URL; the weight there counts, times the one
 * that operators set in Nacos.
 */
export function translateProviders(
  instances: readonly NacosInstance[],
  options: TranslateOptions,
): TranslatedInstances {
  const faults: string[] = [];
  const listed = instances.flatMap((instance) => {
    if (!isListed(instance, options)) return [];
    const provider = providerOf(instance);
    if (provider.ok) return [{ instance, provider: provider.value }];
    faults.push(`instance ${instance.ip}:${instance.port}: ${provider.error}; it is left out`);
    return [];
  });
  const complete = (endpoints: readonly Endpoint[]) =>
    listed.flatMap((one, index) => {
      const endpoint = endpoints[index];
      return endpoint === undefined ? [] : atEachAddress(toEndpoint(one, endpoint, options.place), options);
    });
  const providers = listed.map(({ provider }) => provider);
  return {
    ports: distinctPorts(
      listed.flatMap(({ provider }) => provider.protocols.flatMap((name) => portFor(name, options.ports) ?? [])),
    ),
    endpoints: complete(providers.map((provider) => providerEndpoint(provider))),
    dubbo: { providers, complete },
    faults,
  };
}

/** Reads a provider. One that Nacos would not call counts as disabled, so that rules do not rely on it. */
function providerOf({ ip, port, metadata, healthy, weight }: NacosInstance) {
  const { protocol = 'dubbo', path = '' } = metadata;
  const isCalled = healthy && weight > 0;
  const parameters = new Map(Object.entries({ ...metadata, ...(isCalled ? {} : { disabled: 'true' }) }));
  return readProvider({ protocol: protocol.toLowerCase(), host: ip, port, path, parameters });
}

interface Listed {
  readonly instance: NacosInstance;
  readonly provider: Provider;
}

function toEndpoint({ instance, provider }: Listed, endpoint: Endpoint, place: string): Endpoint {
  const { healthy, weight, clusterName } = instance;
  return {
    ...endpoint,
    labels: { ...endpoint.labels, [clusterLabel]: clusterName },
    weight: Math.max(1, Math.round(endpoint.weight * weight)),
    health: healthy && weight > 0 ? endpoint.health : 'unhealthy',
    origin: { ...providerOrigin(place, provider), instance: instanceId(instance) },
  };
}
