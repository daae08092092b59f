import type { RegistryEntry, RegistryPort, WrittenService } from '../../../src/adapter-contract/registry-writer.ts';
import { identityOfHost, type Naming } from '../../../src/dubbo/identity.ts';
import { writtenParameters } from '../../../src/dubbo/written-provider.ts';
import { err, ok, type Result } from '../../../src/lib/result.ts';
import { dubboIdentity } from '../dubbo.ts';
import type { NacosHostnames } from '../hostnames.ts';
import type { NacosInstance } from '../messages.ts';
import { defaultGroup, type NacosService } from '../names.ts';
import { isPortProtocol } from '../ports.ts';
import { clusterLabel, type MetadataKeys } from '../translate.ts';

export interface PlaceOptions {
  readonly hostnames: NacosHostnames;
  /** Hostnames of single services, by `GROUP@@name`, or by name in the default group. */
  readonly names: Readonly<Record<string, string>>;
  readonly dubbo: Naming;
  /** Namespaces of Nacos that the adapter reads. */
  readonly namespaces: readonly string[];
  readonly meshNamespaceOf: (namespace: string) => string;
  /** Group of services of Dubbo. */
  readonly group: string | null;
  readonly keys: MetadataKeys;
  /** Cluster of Nacos of the instances. */
  readonly cluster: string;
}

/** Finds the service of Nacos that the adapter reads back under this hostname. The error says why there is none. */
export function placeOf({ namespace, hostname }: WrittenService, options: PlaceOptions): Result<NacosService, string> {
  const own = options.namespaces.filter((one) => options.meshNamespaceOf(one) === namespace);
  if (own.length === 0) return err(`no namespace of Nacos that is read belongs to the namespace ${namespace}`);
  const named = namedService(hostname, options);
  if (named !== null) {
    const [first = '', ...others] = own;
    if (others.length > 0) return err(`the namespaces ${own.join(', ')} of Nacos all belong to ${namespace}`);
    return ok({ namespace: first, ...named });
  }
  const place = options.hostnames.nameOf(hostname);
  if (place === null) return err(`no service of Nacos has the hostname ${hostname}: see the key hostname`);
  if (own.includes(place.namespace)) return ok(place);
  return err(`${hostname} belongs to the namespace ${options.meshNamespaceOf(place.namespace)}`);
}

/** Finds the service whose hostname does not tell its namespace: one with a name of its own, or of Dubbo. */
function namedService(host: string, { names, dubbo, group }: PlaceOptions): Omit<NacosService, 'namespace'> | null {
  const own = Object.keys(names).find((key) => names[key] === host);
  if (own !== undefined) {
    const at = own.indexOf('@@');
    return at < 0 ? { group: defaultGroup, name: own } : { group: own.slice(0, at), name: own.slice(at + 2) };
  }
  const identity = identityOfHost(host, dubbo);
  if (identity === null) return null;
  const name = `providers:${identity.interface}:${identity.version}:${identity.group}`;
  return { group: group ?? defaultGroup, name };
}

/** Instance as it is registered. */
export type WrittenInstance = NacosInstance & { readonly ephemeral: true };

/** Builds the instances of an entry: one for each port. */
export function instancesOf(
  { name }: NacosService,
  entry: RegistryEntry,
  options: PlaceOptions,
): Result<readonly WrittenInstance[], string> {
  const instances: WrittenInstance[] = [];
  for (const port of entry.ports) {
    const protocol = protocolOf(port);
    if (protocol === null) return err(`the port '${port.name}' has no protocol that Nacos' clients know`);
    instances.push({
      ip: entry.address,
      port: port.port,
      weight: entry.weight,
      healthy: true,
      enabled: true,
      ephemeral: true,
      clusterName: options.cluster,
      metadata: metadataOf(name, { entry, protocol, keys: options.keys }),
    });
  }
  return ok(instances);
}

const protocolOf = ({ name, protocol }: RegistryPort): string | null =>
  [name, protocol].find((one) => isPortProtocol(one)) ?? null;

interface WrittenPort {
  readonly entry: RegistryEntry;
  readonly protocol: string;
  readonly keys: MetadataKeys;
}

function metadataOf(name: string, { entry, protocol, keys }: WrittenPort): Readonly<Record<string, string>> {
  const { [clusterLabel]: _, ...labels } = entry.labels;
  const identity = dubboIdentity(name);
  if (identity !== null) {
    const parameters = writtenParameters({ ...entry, labels, identity });
    return { ...parameters, category: 'providers', path: identity.interface, protocol };
  }
  const [region = '', zone = '', subzone = ''] = entry.locality.split('/');
  const own = {
    [keys.region]: region,
    [keys.zone]: zone,
    [keys.subzone]: subzone,
    [keys.version]: labels.version ?? '',
  };
  return {
    ...labels,
    ...applicationEndpoints(entry),
    ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== '')),
    [keys.protocol]: protocol,
  };
}

/** Builds the list of ports that an application of Dubbo has in its metadata, with the ports of the sidecar. */
function applicationEndpoints({ labels, ports }: RegistryEntry): Readonly<Record<string, string>> {
  if (labels['dubbo.endpoints'] === undefined) return {};
  return { 'dubbo.endpoints': JSON.stringify(ports.map(({ name, port }) => ({ port, protocol: name }))) };
}
