import type { RegistryEntry, RegistryWriter } from '../../../src/adapter-contract/registry-writer.ts';
import { NacosError } from '../connection.ts';
import type { SendRequest } from '../listing.ts';
import type { NacosInstance } from '../messages.ts';
import { type NacosService, nameKey } from '../names.ts';
import { instancesOf, type PlaceOptions, placeOf, type WrittenInstance } from './place.ts';

export interface NacosWriterOptions extends PlaceOptions {
  readonly request: SendRequest;
  /** Subscribes to losses of what was registered. */
  readonly onLost: RegistryWriter['onLost'];
  /** Called when the server has accepted other instances of a service than before. */
  readonly accepted: (place: NacosService, instances: readonly NacosInstance[]) => void;
}

/** Entries of a service with their instances. */
type Batch = readonly { readonly id: string; readonly instances: readonly WrittenInstance[] }[];

/**
 * Registers instances in Nacos. All instances of a service that come over one connection replace each other, so each
 * request has the complete set.
 */
export function createNacosWriter(options: NacosWriterOptions): RegistryWriter {
  /** Entries by service that the server accepted last. */
  const accepted = new Map<string, ReadonlySet<string>>();

  /** Sends a complete set. Returns the reason if the server refuses it for good. */
  async function send(place: NacosService, batch: Batch): Promise<string | null> {
    const { namespace, group: groupName, name: serviceName } = place;
    const target = { namespace, groupName, serviceName, module: 'naming' };
    const instances = distinct(batch.flatMap((entry) => entry.instances));
    try {
      if (instances.length > 0) {
        await options.request('BatchInstanceRequest', { ...target, type: 'batchRegisterInstance', instances });
      } else {
        const instance = { ip: '0.0.0.0', port: 0, ephemeral: true }; // any: the server removes all of this connection
        await options.request('InstanceRequest', { ...target, type: 'deregisterInstance', instance });
      }
      accepted.set(nameKey(place), new Set(batch.map(({ id }) => id)));
      if (batch.length === 0) accepted.delete(nameKey(place));
      options.accepted(place, instances);
      return null;
    } catch (cause) {
      if (cause instanceof NacosError && isFinal(cause)) return cause.message;
      throw cause;
    }
  }

  /** Adds one entry after the other to those that were accepted before, so that a bad one does not keep others out. */
  async function sendOneByOne(place: NacosService, batch: Batch): Promise<ReadonlyMap<string, string>> {
    const before = accepted.get(nameKey(place)) ?? new Set();
    const refused = new Map<string, string>();
    let good: Batch = batch.filter(({ id }) => before.has(id));
    if (good.length > 0 && (await send(place, good)) !== null) good = [];
    let isLastRefused = false;
    for (const entry of batch.filter((one) => !good.includes(one))) {
      const refusal = await send(place, [...good, entry]);
      isLastRefused = refusal !== null;
      if (refusal === null) good = [...good, entry];
      else refused.set(entry.id, refusal);
    }
    if (isLastRefused) await send(place, good);
    return refused;
  }

  return {
    refusalOf(service, entry) {
      const place = placeOf(service, options);
      const instances = place.ok ? instancesOf(place.value, entry, options) : place;
      return instances.ok ? null : instances.error;
    },
    async write(service, entries) {
      const place = placeOf(service, options);
      if (!place.ok) return new Map(entries.map(({ id }) => [id, place.error]));
      const { batch, refused } = batchOf(place.value, entries, options);
      const refusal = await send(place.value, batch);
      if (refusal === null) return refused;
      if (batch.length === 0) return refused; // what cannot be removed was not accepted
      if (batch.length === 1) return new Map([...refused, ...batch.map(({ id }) => [id, refusal] as const)]);
      return new Map([...refused, ...(await sendOneByOne(place.value, batch))]);
    },
    onLost: options.onLost,
  };
}

/** Reports whether a repetition would be refused as well: wrong parameters, a persistent service, no permission. */
const isFinal = (error: NacosError): boolean => error.code === 400 || error.isDenied;

function batchOf(place: NacosService, entries: readonly RegistryEntry[], options: PlaceOptions) {
  const batch: { id: string; instances: readonly WrittenInstance[] }[] = [];
  const refused = new Map<string, string>();
  for (const entry of entries) {
    const instances = instancesOf(place, entry, options);
    if (instances.ok) batch.push({ id: entry.id, instances: instances.value });
    else refused.set(entry.id, instances.error);
  }
  return { batch, refused };
}

/** Removes instances of equal address and port, of which Nacos has one only. */
const distinct = (instances: readonly WrittenInstance[]): readonly WrittenInstance[] => [
  ...new Map(instances.toReversed().map((instance) => [`${instance.ip}#${instance.port}`, instance])).values(),
];
