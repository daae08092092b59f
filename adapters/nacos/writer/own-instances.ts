import type { Clock } from '../../../src/lib/clock.ts';
import type { NacosInstance } from '../messages.ts';
import { type NacosService, nameKey } from '../names.ts';

/** Receiver of the instances that this program has just registered for a service; none of them from then on. */
export type Registered = (name: NacosService, instances: readonly NacosInstance[]) => void;

/**
 * Instances that this program has registered. A server lists them a while later, and removes them with the connection that
 * registered them, though they are alive. Meanwhile they are to be served nevertheless.
 */
export interface OwnInstances {
  /** Passes those of a namespace to `registered`, also those of the past. */
  follow(namespace: string, registered: Registered): void;
  /** The server has accepted these instances of a service, and no others. */
  accepted(name: NacosService, instances: readonly NacosInstance[]): void;
  /** The server has removed all of them. They are registered anew. */
  lost(): void;
  close(): void;
}

/** `holdMs`: time in which a server lists what it has accepted. An instance that it does not list then is disabled there. */
export function createOwnInstances({ clock, holdMs }: { clock: Clock; holdMs: number }): OwnInstances {
  const followers = new Map<string, Registered>();
  const known = new Map<string, { name: NacosService; instances: readonly NacosInstance[]; cancel: () => void }>();

  const tell = (name: NacosService, instances: readonly NacosInstance[]) =>
    followers.get(name.namespace)?.(name, instances);

  return {
    follow(namespace, registered) {
      followers.set(namespace, registered);
      for (const { name, instances } of known.values()) if (name.namespace === namespace) registered(name, instances);
    },
    accepted(name, instances) {
      const key = nameKey(name);
      known.get(key)?.cancel();
      known.delete(key);
      if (instances.length > 0) known.set(key, { name, instances, cancel: clock.after(holdMs, () => tell(name, [])) });
      tell(name, instances);
    },
    lost() {
      for (const { name, instances, cancel } of known.values()) {
        cancel();
        tell(name, instances);
      }
    },
    close() {
      for (const { cancel } of known.values()) cancel();
    },
  };
}
