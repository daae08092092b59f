import { z } from 'zod';
import { formatHostname, type HostnameTemplate } from '../../../src/dubbo/hostname-template.ts';
import { withOwnName } from '../../../src/dubbo/identity.ts';
import { providerOrigin } from '../../../src/dubbo/origin.ts';
import { servicePort } from '../../../src/dubbo/protocols.ts';
import { type Provider, providerEndpoint, readProvider } from '../../../src/dubbo/provider.ts';
import { err, ok, type Result } from '../../../src/lib/result.ts';
import type { CatalogEntry } from '../catalog.ts';
import { jsonOf, type RevisionService } from './application-metadata.ts';
import { readInstance } from './curator.ts';
import { type ProviderNaming, type ProviderPlace, providerEntries } from './provider-entries.ts';

/** Instance of an application of Dubbo. */
export interface ApplicationInstance {
  readonly address: string;
  readonly isEnabled: boolean;
  /** Hash of its services; `0` if it has none. */
  readonly revision: string;
  readonly hasRemoteMetadata: boolean;
  readonly endpoints: readonly { readonly protocol: string; readonly port: number }[];
  /** Its metadata without those of Dubbo itself. */
  readonly parameters: ReadonlyMap<string, string>;
}

const payloadSchema = z.object({ metadata: z.record(z.string(), z.string()) });
const endpointsSchema = z.array(z.object({ protocol: z.string(), port: z.number().int().min(1).max(65_535) }));

/** Reads the data of an instance's node; null if it is of another framework than Dubbo. */
export function readApplicationInstance(data: Buffer | null): Result<ApplicationInstance | null, string> {
  const instance = readInstance(data);
  if (!instance.ok) return instance;
  const { address, port, enabled, payload } = instance.value;
  const { data: { metadata } = { metadata: {} } } = payloadSchema.safeParse(payload);
  const revision = metadata['dubbo.metadata.revision'];
  if (revision === undefined) return ok(null);
  const endpoints = endpointsSchema.safeParse(jsonOf(metadata['dubbo.endpoints'] ?? '[]'));
  if (!endpoints.success) return err("its metadata 'dubbo.endpoints' are not a list of protocols and ports");
  return ok({
    address,
    isEnabled: enabled !== false,
    revision,
    hasRemoteMetadata: metadata['dubbo.metadata.storage-type'] === 'remote',
    endpoints: endpoints.data.length > 0 || !port ? endpoints.data : [{ protocol: 'dubbo', port }],
    parameters: new Map(
      Object.entries(metadata).filter(([key]) => !/^(dubbo\.(endpoints|metadata)|meta-v$)/.test(key)),
    ),
  });
}

export interface TranslatedInstance {
  readonly application: string;
  readonly instance: ApplicationInstance;
  readonly services: readonly RevisionService[];
}

export interface InstanceSettings extends ProviderNaming {
  readonly applicationTemplate: HostnameTemplate;
  readonly applicationNames: Readonly<Record<string, string>>;
}

/**
 * Builds the entries of an instance: that of its application, and one for each service and protocol. A service whose
 * protocol is unknown is left out. The error says why there is none at all.
 */
export function instanceEntries(
  { application, instance, services }: TranslatedInstance,
  settings: InstanceSettings & ProviderPlace,
): Result<readonly CatalogEntry[], string> {
  const served = instance.endpoints.map((endpoint) => ({ ...endpoint, identity: noService, parameters: none }));
  const { applicationTemplate, applicationNames } = settings;
  const own = Object.hasOwn(applicationNames, application) ? applicationNames[application] : undefined;
  const name = withOwnName(formatHostname(applicationTemplate, { application }), own);
  if (!name.ok) return name;
  const entries: CatalogEntry[] = [];
  for (const service of served) {
    const provider = providerOf(service, { application, instance });
    if (!provider.ok) return provider;
    entries.push({
      ...name.value,
      ports: provider.value.protocols.flatMap((protocol) => servicePort(protocol, settings.ports) ?? []),
      labels: { application },
      endpoint: {
        ...providerEndpoint(provider.value),
        origin: providerOrigin(settings.place, provider.value),
      },
      provider: null,
    });
  }
  for (const service of services) {
    const provider = providerOf(service, { application, instance });
    const translated = provider.ok ? providerEntries(provider.value, settings) : provider;
    if (!translated.ok) return translated;
    entries.push(...translated.value);
  }
  return ok(entries);
}

const noService = { interface: 'application', group: '', version: '' };
const none: ReadonlyMap<string, string> = new Map();

function providerOf(
  { identity, protocol, port, parameters }: RevisionService,
  { application, instance }: Pick<TranslatedInstance, 'application' | 'instance'>,
): Result<Provider, string> {
  const { interface: path, group, version } = identity;
  const merged = new Map([
    ...parameters,
    ...instance.parameters,
    ...Object.entries({ application, interface: path, group, version }).filter(([, value]) => value !== ''),
    ...(instance.isEnabled ? [] : [['enabled', 'false'] as const]),
  ]);
  return readProvider({ protocol, host: instance.address, port, path, parameters: merged });
}
