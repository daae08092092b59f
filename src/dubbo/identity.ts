import { ok, type Result } from '../lib/result.ts';
import { type Hostname, hostname } from '../model/names.ts';
import { formatHostname, type HostnameTemplate, readHostname } from './hostname-template.ts';

/** Identity of a service of Dubbo. Group and version are empty if absent. */
export interface ServiceIdentity {
  readonly interface: string;
  readonly group: string;
  readonly version: string;
}

/** Returns the form in which Dubbo writes identities: `group/interface:version`, where group and version may be absent. */
export const identityKey = ({ interface: name, group, version }: ServiceIdentity): string =>
  [group === '' ? '' : `${group}/`, name, version === '' ? '' : `:${version}`].join('');

/** How services are named: by a template, except for those that have a name of their own. */
export interface Naming {
  readonly template: HostnameTemplate;
  /** Hostnames by `identityKey`, so that a service has one name in several registries. */
  readonly names: Readonly<Record<string, string>>;
}

/** Hostname of a service, with the one that the template gives it as an alias if it has a name of its own. */
export interface NamedService {
  readonly hostname: Hostname;
  readonly aliases: readonly Hostname[];
}

/** Names a service. The error says why it can have no hostname. */
export function nameService(identity: ServiceIdentity, { template, names }: Naming): Result<NamedService, string> {
  const built = formatHostname(template, { ...identity });
  const key = identityKey(identity);
  return withOwnName(built, Object.hasOwn(names, key) ? names[key] : undefined);
}

/** Gives a service a name of its own, if there is one. The hostname of its template, if any, becomes an alias. */
export function withOwnName(built: Result<Hostname, string>, own: string | undefined): Result<NamedService, string> {
  if (own === undefined) return built.ok ? ok({ hostname: built.value, aliases: [] }) : built;
  return ok({ hostname: hostname(own), aliases: built.ok && built.value !== own ? [built.value] : [] });
}

/** Finds the service that has a hostname; null if `nameService` gives this hostname to none. */
export function identityOfHost(host: string, { template, names }: Naming): ServiceIdentity | null {
  const own = Object.keys(names).find((key) => names[key] === host);
  if (own !== undefined) return parseIdentity(own);
  const { interface: name, group = '', version = '' } = readHostname(template, host) ?? {};
  return name === undefined ? null : { interface: name, group, version };
}

/** Parses the form of `identityKey`. */
function parseIdentity(key: string): ServiceIdentity {
  const [, group = '', name = '', version = ''] = /^(?:([^/]*)\/)?([^:]*)(?::(.*))?$/s.exec(key) ?? [];
  return { interface: name, group, version };
}
