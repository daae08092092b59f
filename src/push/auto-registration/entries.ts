import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Proxy } from '../../model/proxy.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import type { WorkloadGroupSpec } from '../../rules/kinds/workload-group/schema.ts';
import { type Rule, type RuleId, ruleId } from '../../rules/rule.ts';
import type { ObjectKey, RuleStore } from '../../rules/store.ts';
import type { Client } from '../client.ts';
import { entryOf, registrationOf } from './entry.ts';
import { registrationFault } from './permission.ts';

export interface RegisteredEntriesOptions {
  readonly store: Pick<RuleStore, 'get' | 'list' | 'create' | 'update' | 'remove'>;
  readonly book: Pick<RuleBook, 'get' | 'adapterOrigin' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of this replica, equal after a restart. */
  readonly controller: string;
  /** True if proxies need not prove their identity. */
  readonly anyone: boolean;
}

/** Stream of a proxy that registers its workload. */
export type RegisteringClient = Pick<Client, 'proxy' | 'caller'>;

/** WorkloadEntries of registered workloads in the store. Methods reject if the store cannot be written. */
export interface RegisteredEntries {
  /**
   * Creates or updates the entry of a proxy. Resolves with false if another write came between, so that it must be
   * repeated. A proxy that may not register, or whose group is missing, is left alone.
   */
  register(key: ObjectKey, client: RegisteringClient, connectedAtMs: number): Promise<boolean>;
  /** Removes an entry of this replica if `isWanted` is still false. Resolves like `register`. */
  unregister(key: ObjectKey, isWanted: () => boolean): Promise<boolean>;
  /** Removes the entries of this replica that are unknown, and those that no replica has renewed since `expiryMs`. */
  removeLeftBehind(expiryMs: number, isKnown: (key: ObjectKey) => boolean): Promise<void>;
}

/** Returns the id of the group of a proxy. */
export const groupIdOf = ({ namespace, registrationGroup = '' }: Proxy): RuleId =>
  ruleId({ kind: 'WorkloadGroup', metadata: { namespace, name: registrationGroup } });

export const entryIdOf = ({ kind, namespace, name }: ObjectKey): RuleId =>
  ruleId({ kind, metadata: { namespace, name } });

export function createRegisteredEntries(options: RegisteredEntriesOptions): RegisteredEntries {
  const { store, book, clock, log, controller } = options;

  function faultOf({ caller, proxy }: RegisteringClient, key: ObjectKey, { template }: WorkloadGroupSpec) {
    const origin = book.adapterOrigin(entryIdOf(key));
    if (origin !== null) return `${entryIdOf(key)} is defined by ${origin}`;
    return registrationFault(caller, proxy, { template, anyone: options.anyone });
  }

  return {
    async register(key, client, connectedAtMs) {
      const { proxy } = client;
      const rule = book.get(groupIdOf(proxy)) as Rule<string, WorkloadGroupSpec> | null; // the kind determines the type
      if (rule === null) return true; // the creation of the group registers it
      const refuse = (why: string): true => {
        log.warn({ proxy: proxy.id, group: ruleId(rule), why }, 'workload not registered');
        return true;
      };
      const fault = faultOf(client, key, rule.spec);
      if (fault !== null) return refuse(fault);
      const current = await store.get(key);
      const known = current === null ? null : registrationOf(current);
      if (current !== null && known === null) return refuse(`somebody wrote ${entryIdOf(key)}`);
      if (known !== null && known.connectedAtMs > connectedAtMs) return true; // it has moved to another replica
      const registration = { group: rule.metadata.name, controller, connectedAtMs };
      const draft = entryOf(key, proxy, { rule, registration });
      const expectedResourceVersion = current?.metadata.resourceVersion ?? null;
      const written = await (current === null
        ? store.create(draft, { author })
        : store.update(draft, { author, expectedResourceVersion }));
      if (!written.ok && written.error.type === 'rejected') return refuse(written.error.message);
      if (written.ok && current === null) log.info({ entry: entryIdOf(key) }, 'workload registered');
      return written.ok;
    },
    async unregister(key, isWanted) {
      const current = await store.get(key);
      if (current === null || registrationOf(current)?.controller !== controller || isWanted()) return true;
      const { resourceVersion } = current.metadata;
      const removed = await store.remove(key, { author, expectedResourceVersion: resourceVersion });
      if (removed.ok) log.info({ entry: entryIdOf(key) }, 'workload unregistered');
      return removed.ok || removed.error.type === 'missing';
    },
    async removeLeftBehind(expiryMs, isKnown) {
      const { items } = await store.list('WorkloadEntry');
      for (const item of items) {
        const registration = registrationOf(item);
        const { namespace, name, resourceVersion } = item.metadata;
        const key = { kind: item.kind, namespace, name };
        if (registration === null || isKnown(key)) continue;
        const isOwn = registration.controller === controller;
        if (!isOwn && clock.now() - registration.connectedAtMs < expiryMs) continue;
        await store.remove(key, { author, expectedResourceVersion: resourceVersion });
      }
    },
  };
}

const author = 'auto-registration';
