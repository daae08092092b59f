import type { ShardSink } from '../adapter-contract/adapter.ts';
import type { WorkloadChange, WorldChange } from '../compile/contract.ts';
import { assertNever } from '../lib/assert-never.ts';
import { canonicalAddress } from '../lib/ip.ts';
import type { Registry, Urgency } from '../registry/contract.ts';
import type { ObjectChange, RuleBook, RuleChange } from '../rules/book/rule-book.ts';
import { type RuleId, ruleId } from '../rules/rule.ts';
import type { ServiceEntryIndex } from '../rules/service-entries/index.ts';

export interface FeedOptions {
  readonly registry: Registry;
  readonly book: RuleBook;
  readonly serviceEntries: ServiceEntryIndex;
  /** Shard of the services that ServiceEntries define. */
  readonly serviceEntryShard: ShardSink;
}

/** Merges the changes of adapters and rules into one sequence for the compiler. */
export interface Feed {
  /** Starts reading changes. `changed` is called when `take` has some. */
  start(changed: (urgency: Urgency) => void): void;
  /** Takes the waiting changes. With `endpoints`, services and rules stay, so that related ones are taken together. */
  take(urgency?: Urgency): readonly WorldChange[];
  stop(): void;
}

/**
 * Passes objects of the registry's raw changes to the rule book, which validates them. ServiceEntries and their selected
 * workloads become services of a separate shard. Services, endpoints and the other rules go to the compiler.
 */
export function createFeed({ registry, book, serviceEntries, serviceEntryShard }: FeedOptions): Feed {
  let waiting: WorldChange[] = [];
  let workloads: WorkloadChange[] = [];
  let changed: (urgency: Urgency) => void = () => {};
  let ends: readonly (() => void)[] = [];

  const settleServiceEntries = () => {
    const changes = serviceEntries.takeChanges();
    if (changes.length > 0) serviceEntryShard.apply(changes);
  };
  /** Takes the changes of the registry, and those that follow from the selectors of its services. */
  const takeServices = () => {
    const changes = registry.takeChanges();
    for (const change of changes) {
      if (change.type === 'service') serviceEntries.serviceChanged(change.service);
      else if (change.type === 'service-removed') serviceEntries.serviceRemoved(change.key);
    }
    const selected = serviceEntries.takeChanges();
    if (selected.length === 0) return changes;
    serviceEntryShard.apply(selected);
    return [...changes, ...registry.takeChanges()];
  };
  const onRules = (changes: readonly RuleChange[]) => {
    for (const change of changes) {
      if (!isServiceRule(change, serviceEntries)) waiting.push(change);
      else if (change.type !== 'mesh') workloads.push(...workloadEntryChange(change, serviceEntries));
    }
    settleServiceEntries();
    changed('configuration');
  };
  const onRaw = () => {
    const objects = new Map<string, ObjectChange[]>();
    for (const change of registry.takeRawChanges()) {
      if (change.type === 'workload') {
        const { adapter, workload, isSelfRegistered } = change;
        serviceEntries.workloadChanged(adapter, workload);
        workloads.push({ type: 'workload', id: workloadId(adapter, workload), workload, isSelfRegistered });
      } else if (change.type === 'workload-removed') {
        serviceEntries.workloadRemoved(change.adapter, change.namespace, change.name);
        workloads.push({ type: 'workload-removed', id: workloadId(change.adapter, change) });
      } else {
        const own = objects.get(change.adapter);
        if (own === undefined) objects.set(change.adapter, [change]);
        else own.push(change);
      }
    }
    // One call per adapter, so that the selections of a thousand entries are computed once.
    for (const [adapter, changes] of objects) book.apply(adapter, changes);
    settleServiceEntries();
    if (workloads.length > 0) changed('endpoints');
  };

  return {
    start(listener) {
      changed = listener;
      // Its source is the rule book, which is complete: the shard starts synced.
      serviceEntryShard.replace({ services: [], endpoints: [], workloads: [], objects: [] });
      onRules([...book.rules()].map((rule) => ({ type: 'rule', rule })));
      waiting.push({ type: 'mesh', mesh: book.mesh() });
      ends = [book.subscribe(onRules), registry.onRawChange(onRaw), registry.onChange(changed)];
      onRaw();
    },
    take(urgency = 'configuration') {
      const taken = workloads;
      workloads = [];
      if (urgency === 'endpoints') return [...registry.takeChanges(urgency), ...taken];
      const rules = waiting;
      waiting = [];
      return [...takeServices(), ...rules, ...taken];
    },
    stop() {
      for (const end of ends) end();
    },
  };
}

const workloadId = (
  adapter: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string => `${adapter}/${namespace}/${name}`;

/** Converts a change of a WorkloadEntry to one of its workload. Ids of rules begin with their kind; no adapter is named like a kind. */
function workloadEntryChange(
  change: Exclude<RuleChange, { readonly type: 'mesh' }>,
  index: ServiceEntryIndex,
): readonly WorkloadChange[] {
  const id: RuleId = change.type === 'rule' ? ruleId(change.rule) : change.id;
  if (!id.startsWith('WorkloadEntry/')) return [];
  const selectable = index.workloadOf(id);
  if (selectable === null) return [{ type: 'workload-removed', id }];
  const { namespace, name, address, labels } = selectable;
  return [
    {
      type: 'workload',
      id,
      workload: { namespace, name, addresses: [canonicalAddress(address)], labels },
      isSelfRegistered: false,
    },
  ];
}

/** Passes ServiceEntries and WorkloadEntries to their index and returns true: they become services, not rules of the compiler. */
function isServiceRule(change: RuleChange, index: ServiceEntryIndex): boolean {
  switch (change.type) {
    case 'rule':
      if (change.rule.kind !== 'ServiceEntry' && change.rule.kind !== 'WorkloadEntry') return false;
      index.ruleChanged(change.rule);
      return true;
    case 'rule-removed':
      if (!/^(ServiceEntry|WorkloadEntry)\//.test(change.id)) return false;
      index.ruleRemoved(change.id);
      return true;
    case 'mesh':
      return false;
    default:
      return assertNever(change);
  }
}
