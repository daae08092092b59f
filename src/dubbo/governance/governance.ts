import { addTo, removeFrom } from '../../lib/sets-by-key.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import type { Provider } from '../provider.ts';
import { type Governed, type GovernedService, govern } from './govern.ts';
import { providerApplication } from './provider-condition.ts';
import type { RuleDocument, RuleScope } from './rules.ts';
import { tagKey } from './stages.ts';

/** All rules of a registry, and what they mean to its services. */
export interface Governance {
  /** Sets the rules of a node or dataId. */
  set(origin: string, document: RuleDocument): void;
  remove(origin: string): void;
  /**
   * Returns a test for the services that changes of rules since the last call concern, by their providers; null if there
   * was none.
   */
  takeConcerned(): ((providers: readonly Provider[]) => boolean) | null;
  /** Applies all rules to a service. Null: no rule and no tag concerns it. `key` is unique for each service. */
  apply(key: string, service: GovernedService): Pick<Governed, 'endpoints' | 'objects'> | null;
  /** Forgets a service that is gone, with what was reported because of it. */
  forget(key: string): void;
}

/** `report` is called with what is wrong with the rules of an origin, or with null. */
export function createGovernance({
  report,
}: {
  readonly report: (origin: string, message: string | null) => void;
}): Governance {
  const documents = new Map<string, RuleDocument>();
  /** Origins by the keys of what they concern. */
  const index = new Map<string, Set<string>>();
  const changed = new Set<string>();
  /** Faults by origin and service, of those that were applied. */
  const faults = new Map<string, Map<string, readonly string[]>>();
  const origins = new Map<string, Set<string>>();
  const endpointsOf = new Map<string, readonly Endpoint[]>();

  function tell(origin: string): void {
    const messages = [...(documents.get(origin)?.faults ?? []), ...[...(faults.get(origin)?.values() ?? [])].flat()];
    report(origin, messages.length === 0 ? null : [...new Set(messages)].sort().join('; '));
  }

  function setFaults(key: string, given: Governed['faults']): void {
    const former = origins.get(key) ?? new Set();
    const byOrigin = Map.groupBy(given, ({ origin }) => origin);
    for (const origin of former)
      if (!byOrigin.has(origin)) {
        faults.get(origin)?.delete(key);
        tell(origin);
      }
    for (const [origin, own] of byOrigin) {
      const byService = faults.get(origin) ?? new Map();
      byService.set(key, [...new Set(own.map(({ message }) => message))]);
      faults.set(origin, byService);
      tell(origin);
    }
    if (byOrigin.size === 0) origins.delete(key);
    else origins.set(key, new Set(byOrigin.keys()));
  }

  function unset(origin: string): void {
    for (const key of keysOfDocument(documents.get(origin))) {
      removeFrom(index, key, origin);
      changed.add(key);
    }
    documents.delete(origin);
  }

  function relevant(providers: readonly Provider[]): ReadonlyMap<string, RuleDocument> {
    const own = new Set(keysOfProviders(providers).flatMap((key) => [...(index.get(key) ?? [])]));
    return new Map(
      [...own].sort().flatMap((origin) => {
        const document = documents.get(origin);
        return document === undefined ? [] : [[origin, document] as const];
      }),
    );
  }

  /** Keeps the identity of endpoints that did not change. */
  function withIdentity(key: string, endpoints: readonly Endpoint[]): readonly Endpoint[] {
    const former = new Map((endpointsOf.get(key) ?? []).map((endpoint) => [JSON.stringify(endpoint), endpoint]));
    const kept = endpoints.map((endpoint) => former.get(JSON.stringify(endpoint)) ?? endpoint);
    endpointsOf.set(key, kept);
    return kept;
  }

  function forget(key: string): void {
    endpointsOf.delete(key);
    setFaults(key, []);
  }

  return {
    set(origin, document) {
      unset(origin);
      documents.set(origin, document);
      for (const key of keysOfDocument(document)) {
        addTo(index, key, origin);
        changed.add(key);
      }
      tell(origin);
    },
    remove(origin) {
      unset(origin);
      faults.delete(origin);
      tell(origin);
    },
    takeConcerned() {
      if (changed.size === 0) return null;
      const keys = new Set(changed);
      changed.clear();
      return (providers) => keysOfProviders(providers).some((key) => keys.has(key));
    },
    apply(key, service) {
      const rules = relevant(service.providers);
      const isTagged = service.providers.some(({ parameters }) => parameters.has(tagKey));
      if (rules.size === 0 && !isTagged) {
        forget(key);
        return null;
      }
      const governed = govern(service, rules);
      setFaults(key, governed.faults);
      return { endpoints: withIdentity(key, governed.endpoints), objects: governed.objects };
    },
    forget,
  };
}

const everything = '*';

function keysOfDocument(document: RuleDocument | undefined): readonly string[] {
  if (document === undefined) return [];
  const scopes = [...document.overrides, ...document.conditions].map(({ scope }) => keyOfScope(scope));
  return [...new Set([...scopes, ...document.tags.map(({ application }) => `application/${application}`)])];
}

function keyOfScope({ services, application }: RuleScope): string {
  if (services.interface !== '*') return `interface/${services.interface}`;
  return application === null ? everything : `application/${application}`;
}

const keysOfProviders = (providers: readonly Provider[]): readonly string[] => [
  everything,
  ...new Set(
    providers.flatMap((provider) => [
      `interface/${provider.identity.interface}`,
      `application/${providerApplication(provider)}`,
    ]),
  ),
];
