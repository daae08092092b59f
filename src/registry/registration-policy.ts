import { canonicalAddress } from '../lib/ip.ts';
import { addTo, removeFrom } from '../lib/sets-by-key.ts';
import { type Hostname, type ServiceKey, serviceKey } from '../model/names.ts';
import type { Service } from '../model/service.ts';

/** Label by which a service lets self-registered instances of its namespace join: `allow`. */
export const registrationLabel = 'mesh.binnacle.dev/registration';

/** Names that a self-registered service requests: one whose instances registered themselves. */
export interface RegistrationName {
  readonly namespace: string;
  readonly hostname: Hostname;
  /** Requested virtual addresses. */
  readonly vips?: readonly string[] | undefined;
  /** Shard whose own definitions do not refuse, because the instances go into its registry. */
  readonly registry?: string | undefined;
}

/** Decides which self-registered services are excluded because another adapter defines their names. */
export interface RegistrationPolicy {
  /** Records the service that a regular shard defines at `key`; undefined removes it. */
  definitionChanged(shard: string, key: ServiceKey, service: Service | undefined): void;
  /** Records a self-registered service at `key`; undefined removes it. */
  registrationChanged(shard: string, key: ServiceKey, service: Service | undefined): void;
  /** Returns the reason why instances may not register for this service, or null. */
  refusalOf(requested: RegistrationName): string | null;
}

interface Definition {
  readonly shard: string;
  readonly service: Service;
}

interface KnownRegistration {
  readonly key: ServiceKey;
  readonly names: readonly string[];
}

export interface RegistrationPolicyOptions {
  /** Reports whether the configuration lets instances register for a service of another shard. */
  readonly isAllowed: (requested: RegistrationName) => boolean;
  /** Called for self-registered services whose `refusalOf` may have changed. */
  readonly affected: (key: ServiceKey) => void;
}

export function createRegistrationPolicy({ isAllowed, affected }: RegistrationPolicyOptions): RegistrationPolicy {
  /** Services of regular shards, by shard and key. */
  const defined = new Map<string, Definition>();
  const byName = new Map<string, Set<Definition>>();
  /** Self-registered services by shard and key, and by each name that they request. */
  const registrationsByKey = new Map<string, KnownRegistration>();
  const registrations = new Map<string, Set<KnownRegistration>>();

  const definersOf = (requested: RegistrationName): readonly Service[] =>
    requestedNames(requested)
      .flatMap((name) => [...(byName.get(name) ?? [])])
      .flatMap(({ shard, service }) => (shard === requested.registry ? [] : [service]));

  return {
    definitionChanged(shard, key, service) {
      const id = `${shard} ${key}`;
      const before = defined.get(id);
      const after = service === undefined ? undefined : { shard, service };
      if (after === undefined) defined.delete(id);
      else defined.set(id, after);
      if (before !== undefined) for (const name of namesOf(before.service)) removeFrom(byName, name, before);
      if (after !== undefined) for (const name of namesOf(after.service)) addTo(byName, name, after);
      for (const name of [before, after].flatMap((one) => (one === undefined ? [] : namesOf(one.service)))) {
        for (const { key: registered } of registrations.get(name) ?? []) affected(registered);
      }
    },
    registrationChanged(shard, key, service) {
      const id = `${shard} ${key}`;
      const before = registrationsByKey.get(id);
      if (before !== undefined) for (const name of before.names) removeFrom(registrations, name, before);
      registrationsByKey.delete(id);
      if (service === undefined) return;
      const registration = { key, names: requestedNames(service) };
      registrationsByKey.set(id, registration);
      for (const name of registration.names) addTo(registrations, name, registration);
    },
    refusalOf(requested) {
      const definers = definersOf(requested);
      const own = definers.filter(
        (one) => one.namespace === requested.namespace && one.hostname === requested.hostname,
      );
      const [refusing] = (own.length === 0 ? definers : own)
        .filter((definer) => !allows(definer, requested))
        .sort((a, b) => (orderOf(a, requested) < orderOf(b, requested) ? -1 : 1)); // independent of the order of arrival
      return refusing === undefined || isAllowed(requested) ? null : reason(requested, refusing);
    },
  };
}

const orderOf = ({ namespace, hostname, registry }: Service, requested: RegistrationName): string =>
  [hostname === requested.hostname ? 0 : 1, namespace, hostname, registry].join(' ');

const allows = (definer: Service, requested: RegistrationName): boolean =>
  definer.namespace === requested.namespace && definer.labels[registrationLabel] === 'allow';

function reason({ namespace, hostname, vips = [] }: RegistrationName, definer: Service): string {
  const names = namesOf(definer);
  const vip = patternsFor(hostname).some((name) => names.includes(name))
    ? undefined
    : vips.find((one) => names.includes(canonicalAddress(one)));
  const other = definer.hostname === hostname ? '' : ` (${definer.hostname})`;
  const label = definer.namespace === namespace ? `it has the label ${registrationLabel}: allow, or ` : '';
  const what = vip === undefined ? hostname : `the address ${vip}`;
  return `${what}${other} is defined in the namespace "${definer.namespace}" (${definer.registry}): instances may register for it only if ${label}registration.allow in binnacle.yaml has ${serviceKey(namespace, hostname)}`;
}

/** Lists the names of a service, including its addresses and the short forms of Kubernetes names. */
function namesOf({ hostname, aliases, name, namespace, vips }: Service): readonly string[] {
  const isKubernetes = hostname.startsWith(`${name}.${namespace}.svc.`);
  const short = isKubernetes ? [name, `${name}.${namespace}`, `${name}.${namespace}.svc`] : [];
  return [hostname, ...aliases, ...short, ...vips.map(canonicalAddress)];
}

const requestedNames = ({ hostname, vips = [] }: RegistrationName): readonly string[] => [
  ...patternsFor(hostname),
  ...vips.map(canonicalAddress),
];

/** Lists the host and each wildcard that covers it: `*.b.c`, `*.c`, `*`. */
function patternsFor(host: string): readonly string[] {
  const labels = host.split('.');
  const wildcards = labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
  return [...new Set([host, ...wildcards, '*'])];
}
