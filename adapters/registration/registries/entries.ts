import type { RegistryEntry, WrittenService } from '../../../src/adapter-contract/registry-writer.ts';
import { hostname } from '../../../src/model/names.ts';
import type { InstanceKey } from '../contract.ts';
import type { StoredInstance } from '../instances.ts';

/** Ports of sidecars by the name of an instance's port. */
export type SidecarPorts = Readonly<Record<string, number>>;

export const writtenService = ({ namespace, host }: Pick<InstanceKey, 'namespace' | 'host'>): WrittenService => ({
  namespace,
  hostname: hostname(host),
});

/** Builds the entry of an instance: with the sidecar's port where it has one, so that callers reach the sidecar. */
export const toEntry = (
  { id, address, ports, labels, weight, locality, registeredAtMs }: Omit<StoredInstance, 'ttlSeconds'>,
  sidecarPorts: SidecarPorts,
): RegistryEntry => ({
  id,
  address,
  ports: ports.map(({ name, protocol, port, sidecarPort }) => {
    const usual = Object.hasOwn(sidecarPorts, name) ? sidecarPorts[name] : undefined;
    return { name, protocol, port: sidecarPort ?? usual ?? port };
  }),
  labels,
  weight,
  locality,
  registeredAtMs,
});
