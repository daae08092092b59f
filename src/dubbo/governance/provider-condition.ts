import type { ServiceIdentity } from '../identity.ts';
import type { Provider } from '../provider.ts';
import { type AddressPattern, matchesAddress } from './address-pattern.ts';
import { matchesPattern, type TextPattern } from './text-pattern.ts';

/** Services that a rule is about. A part may be `*` for any. */
export type IdentityPattern = ServiceIdentity;

export const everyService: IdentityPattern = { interface: '*', group: '*', version: '*' };

/** Parses `group/interface:version`; an absent part must be absent, `*` stands for any. `*` alone is every service. */
export function parseIdentityPattern(text: string): IdentityPattern {
  if (text === '*') return everyService;
  const [, group = '', name = '', version = ''] = /^(?:([^/]*)\/)?([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  return { interface: name, group, version };
}

export const matchesIdentity = (pattern: IdentityPattern, identity: ServiceIdentity): boolean =>
  (['interface', 'group', 'version'] as const).every(
    (part) => pattern[part] === '*' || pattern[part] === identity[part],
  );

/** Condition on a provider. */
export type ProviderCondition =
  | { readonly type: 'address'; readonly anyOf: readonly AddressPattern[] }
  | { readonly type: 'service'; readonly anyOf: readonly IdentityPattern[] }
  /** Condition on a parameter, or on `host`, `port`, `address`, `protocol` and `interface`. */
  | {
      readonly type: 'parameter';
      readonly key: string;
      /** Patterns of which one must match; empty for no condition. */
      readonly anyOf: readonly TextPattern[];
      /** Patterns of which none may match. The parameter must be there. */
      readonly noneOf: readonly TextPattern[];
    };

/** Provider with the parameters that rules left it. */
export interface RuledProvider {
  readonly provider: Provider;
  readonly parameters: ReadonlyMap<string, string>;
}

export const meetsAll = (ruled: RuledProvider, conditions: readonly ProviderCondition[]): boolean =>
  conditions.every((condition) => meets(ruled, condition));

function meets(ruled: RuledProvider, condition: ProviderCondition): boolean {
  const { provider } = ruled;
  switch (condition.type) {
    case 'address':
      return condition.anyOf.some((pattern) => matchesAddress(pattern, provider.address, provider.port));
    case 'service':
      return condition.anyOf.some((pattern) => matchesIdentity(pattern, provider.identity));
    case 'parameter': {
      const { anyOf, noneOf } = condition;
      const value = valueOf(ruled, condition.key);
      if (noneOf.length > 0 && value === undefined) return false;
      if (noneOf.some((pattern) => matchesPattern(pattern, value))) return false;
      return anyOf.length === 0 || anyOf.some((pattern) => matchesPattern(pattern, value));
    }
  }
}

function valueOf({ provider, parameters }: RuledProvider, key: string): string | undefined {
  switch (key) {
    case 'host':
      return provider.address;
    case 'port':
      return String(provider.port);
    case 'address':
      return `${provider.address}:${provider.port}`;
    case 'protocol':
      return provider.protocols[0];
    case 'interface':
    case 'path':
      return provider.identity.interface;
    default:
      return parameters.get(key);
  }
}

/** Returns the application of a provider; empty if unknown. */
export const providerApplication = (provider: Provider): string => provider.parameters.get('application') ?? '';
