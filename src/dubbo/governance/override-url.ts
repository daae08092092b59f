import { err, ok, type Result } from '../../lib/result.ts';
import type { ServiceUrl } from '../url.ts';
import { isEveryProvider, parseAddressPattern } from './address-pattern.ts';
import { addressCondition } from './configurators.ts';
import type { ProviderCondition } from './provider-condition.ts';
import { levels, type OverrideRule } from './rules.ts';

/** Parameters of such a URL that are not for providers. */
const ownKeys = new Set([
  ...['anyhost', 'application', 'category', 'check', 'classifier', 'compatible_config', 'configVersion', 'dynamic'],
  ...['enabled', 'group', 'interface', 'interfaces', 'path', 'priority', 'providerAddresses', 'providers', 'side'],
  ...['timestamp', 'version'],
]);

/**
 * Reads `override://` and `absent://`, the form of Dubbo 2.6 and 2.7 below `configurators`. Null for a rule that is
 * switched off. The error says why it cannot be applied.
 */
export function readOverrideUrl(url: ServiceUrl): Result<OverrideRule | null, string> {
  const { parameters, host, port, path } = url;
  const of = (key: string) => parameters.get(key) ?? '';
  if (of('enabled') === 'false') return ok(null);
  const changed = new Map([...parameters].filter(([key]) => !ownKeys.has(key) && !key.startsWith('~')));
  if (changed.size === 0) return ok(null); // this clears rules in Dubbo
  const isForProviders = of('side') === 'provider';
  const isEverywhere = host === '' || host === '0.0.0.0' || of('anyhost') === 'true';
  const onlySome = 'for some consumers only, which instances cannot express';
  if (!isEverywhere && !port && !isForProviders) return err(`it is for the consumer at ${host}: ${onlySome}`);
  const application = of('application');
  const isOfApplication = application !== '' && application !== '*';
  if (isOfApplication && !isForProviders) return err(`it is for the consumers of ${application}: ${onlySome}`);
  const address = isEverywhere
    ? parseAddressPattern(port ? `0.0.0.0:${port}` : '0.0.0.0')
    : parseAddressPattern(port ? `${host.includes(':') ? `[${host}]` : host}:${port}` : host);
  if (!address.ok) return address;
  const providers = addressCondition((of('providerAddresses') || of('providers')).split(',').filter(Boolean));
  if (!providers.ok) return providers;
  const conditions: ProviderCondition[] = [...providers.value, ...parameterConditionsOf(parameters)];
  if (!isEveryProvider(address.value)) conditions.push({ type: 'address', anyOf: [address.value] });
  return ok({
    scope: {
      services: path === '*' ? { interface: '*', group: '*', version: '*' } : identityOf(url),
      application: isOfApplication ? application : null,
    },
    conditions,
    parameters: changed,
    rank: [levels.url, isEverywhere ? 0 : 1, Number(of('priority')) || 0],
    isFallback: url.protocol === 'absent',
  });
}

const identityOf = ({ path, parameters }: ServiceUrl) => ({
  interface: parameters.get('interface') || path,
  group: parameters.get('group') ?? '',
  version: parameters.get('version') ?? '',
});

/** Returns the conditions of parameters such as `~region`. */
const parameterConditionsOf = (parameters: ReadonlyMap<string, string>): readonly ProviderCondition[] =>
  [...parameters].flatMap(([key, value]) =>
    key.startsWith('~') && value !== '*'
      ? [{ type: 'parameter', key: key.slice(1), anyOf: [{ type: 'exact', value }], noneOf: [] } as const]
      : [],
  );
