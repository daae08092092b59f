import { type Naming, nameService } from '../../../src/dubbo/identity.ts';
import { providerOrigin } from '../../../src/dubbo/origin.ts';
import { servicePort } from '../../../src/dubbo/protocols.ts';
import { type Provider, providerEndpoint } from '../../../src/dubbo/provider.ts';
import { ok, type Result } from '../../../src/lib/result.ts';
import type { CatalogEntry } from '../catalog.ts';

export interface ProviderNaming {
  readonly naming: Naming;
  /** Port that clients call, by protocol, where it is not the usual one. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Naming, and the folder in which a provider is registered. */
export interface ProviderPlace extends ProviderNaming {
  readonly place: string;
}

/** Builds the entries of a provider. The error says why there are none. */
export function providerEntries(
  provider: Provider,
  { naming, ports, place }: ProviderPlace,
): Result<readonly CatalogEntry[], string> {
  const name = nameService(provider.identity, naming);
  if (!name.ok) return name;
  const { interface: iface, group, version } = provider.identity;
  return ok([
    {
      ...name.value,
      ports: provider.protocols.flatMap((protocol) => servicePort(protocol, ports) ?? []),
      labels: { interface: iface, ...(group === '' ? {} : { group }), ...(version === '' ? {} : { version }) },
      endpoint: { ...providerEndpoint(provider), origin: providerOrigin(place, provider) },
      provider,
    },
  ]);
}
