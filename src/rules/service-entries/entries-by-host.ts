import { addTo, removeFrom } from '../../lib/sets-by-key.ts';
import { type ServiceKey, serviceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { ServiceEntrySpec } from '../kinds/service-entry/schema.ts';
import { type TranslatedServiceEntry, translateServiceEntry } from '../kinds/service-entry/translate.ts';
import { comparePrecedence, type Rule, type RuleId, ruleId } from '../rule.ts';
import { type MergedHost, mergeHosts } from './merge-hosts.ts';

/** A ServiceEntry in the index. */
export interface IndexedServiceEntry {
  readonly id: RuleId;
  readonly rule: Rule<string, ServiceEntrySpec>;
  readonly translated: TranslatedServiceEntry;
  readonly hosts: ReadonlyMap<ServiceKey, EntryHost>;
}

type EntryHost = TranslatedServiceEntry['hosts'][number];

/** ServiceEntries by id and by the hosts that they define. */
export interface EntriesByHost {
  get(id: RuleId): IndexedServiceEntry | undefined;
  /** Translates and adds an entry, which must not be in the index. */
  add(rule: Rule<string, ServiceEntrySpec>): IndexedServiceEntry;
  /** Removes and returns an entry; undefined if there is none. */
  remove(id: RuleId): IndexedServiceEntry | undefined;
  /** Returns the service of a host, merged from all entries that define it; null if there are none. */
  merged(key: ServiceKey): MergedHost<IndexedServiceEntry> | null;
  /** Returns the services to which an entry contributes. */
  servicesOf(entry: IndexedServiceEntry): readonly ServiceKey[];
  /** Returns messages for the author of an entry: notes of its translation, and contradictions to older entries. */
  problemsOf(entry: IndexedServiceEntry): readonly string[];
  /** Returns the entries that can have problems. The cost is proportional to the result. */
  idsWithProblems(): Iterable<RuleId>;
}

export function createEntriesByHost(): EntriesByHost {
  const entries = new Map<RuleId, IndexedServiceEntry>();
  const byHost = new Map<ServiceKey, Set<IndexedServiceEntry>>();
  /** Entries with notes, and hosts that several entries define: only these can have problems. */
  const noted = new Set<RuleId>();
  const contested = new Set<ServiceKey>();

  function merged(key: ServiceKey): MergedHost<IndexedServiceEntry> | null {
    const contributions = [...(byHost.get(key) ?? [])]
      .sort((a, b) => comparePrecedence(a.rule, b.rule))
      .flatMap((source) => {
        const service = source.hosts.get(key)?.service;
        return service === undefined ? [] : [{ source, service }];
      });
    const [oldest, ...younger] = contributions;
    return oldest === undefined ? null : mergeHosts([oldest, ...younger]);
  }

  return {
    get: (id) => entries.get(id),
    add(rule) {
      const translated = translateServiceEntry(rule);
      const hosts = new Map(translated.hosts.map((host) => [keyOfService(host.service), host]));
      const entry = { id: ruleId(rule), rule, translated, hosts };
      entries.set(entry.id, entry);
      for (const key of hosts.keys()) {
        addTo(byHost, key, entry);
        if (byHost.get(key)?.size === 2) contested.add(key);
      }
      if (translated.notes.length > 0) noted.add(entry.id);
      return entry;
    },
    remove(id) {
      const entry = entries.get(id);
      if (entry === undefined) return undefined;
      entries.delete(id);
      noted.delete(id);
      for (const key of entry.hosts.keys()) {
        removeFrom(byHost, key, entry);
        if (byHost.get(key)?.size === 1) contested.delete(key);
      }
      return entry;
    },
    merged,
    servicesOf: (entry) =>
      [...entry.hosts.keys()].filter((key) => merged(key)?.contributors.some(({ source }) => source === entry)),
    problemsOf(entry) {
      const conflicts = [...entry.hosts.keys()].flatMap((key) =>
        contested.has(key) ? (merged(key)?.conflicts ?? []).map((conflict) => ({ key, ...conflict })) : [],
      );
      const own = conflicts.filter(({ source }) => source === entry);
      return [
        ...entry.translated.notes,
        ...own.map(
          ({ key, older, what }) => `${key}: ${what} differs from that of the older ${older.id}, which applies`,
        ),
      ];
    },
    *idsWithProblems() {
      yield* noted;
      for (const key of contested) for (const { id } of byHost.get(key) ?? []) yield id;
    },
  };
}

const keyOfService = (service: Service): ServiceKey => serviceKey(service.namespace, service.hostname);
