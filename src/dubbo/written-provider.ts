import type { ServiceIdentity } from './identity.ts';

/** Provider that somebody else than the application registers. */
export interface WrittenProvider {
  readonly identity: ServiceIdentity;
  readonly labels: Readonly<Record<string, string>>;
  /** Locality `region/zone/subzone`; empty if unknown. */
  readonly locality: string;
  /** Milliseconds since the Unix epoch. */
  readonly registeredAtMs: number;
}

/**
 * Builds the parameters of a provider, sorted by name, as Dubbo's own providers write them. Labels become parameters,
 * `methods` and `application` among them, but cannot change what the others say.
 */
export function writtenParameters(provider: WrittenProvider): Readonly<Record<string, string>> {
  const { identity, labels, locality, registeredAtMs } = provider;
  const { interface: name, group, version } = identity;
  const [region = '', zone = '', subzone = ''] = locality.split('/');
  const own = { interface: name, group, version, region, zone, subzone };
  const parameters = {
    ...{ deprecated: 'false', dubbo: '2.0.2', dynamic: 'true', generic: 'false', release: '3.3.5' },
    ...labels,
    ...{ side: 'provider', timestamp: String(registeredAtMs) },
    ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== '')),
  };
  return Object.fromEntries(
    Object.entries(parameters)
      .filter(([key]) => !(key in own) || own[key as keyof typeof own] !== '') // a label is no group and no version
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
