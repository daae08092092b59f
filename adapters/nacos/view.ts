import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import type { Addresses } from '../../src/dns/addresses.ts';
import { objectChanges } from '../../src/dubbo/governance/object-changes.ts';
import { type NamedService, type Naming, nameService, withOwnName } from '../../src/dubbo/identity.ts';
import { ipVersion } from '../../src/lib/ip.ts';
import type { Result } from '../../src/lib/result.ts';
import { type ServiceKey, serviceKey } from '../../src/model/names.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { Service, ServicePort } from '../../src/model/service.ts';
import type { BookEntry } from './book.ts';
import { dubboIdentity, translateProviders } from './dubbo.ts';
import type { DubboRules } from './dubbo-rules.ts';
import { governedParts } from './governed-parts.ts';
import type { NacosHostnames } from './hostnames.ts';
import type { NacosInstance } from './messages.ts';
import { defaultGroup, type NacosService } from './names.ts';
import { portFor } from './ports.ts';
import { distinctPorts, type TranslatedInstances, type TranslateOptions, translateListed } from './translate.ts';

export interface ViewOptions extends Omit<TranslateOptions, 'addressesOf' | 'place'> {
  readonly hostnames: NacosHostnames;
  /** Hostnames of single services, by `GROUP@@name`, or by name in the default group. */
  readonly names: Readonly<Record<string, string>>;
  /** Names of services of Dubbo. */
  readonly dubbo: Naming;
  readonly meshNamespaceOf: (namespace: string) => string;
  readonly addresses: Pick<Addresses, 'use' | 'of' | 'fault'>;
  /** Returns the rules of Dubbo of a namespace of Nacos, or null if none are read. */
  readonly rulesOf: (namespace: string) => Pick<DubboRules, 'governance' | 'follow'> | null;
}

/** Services of all namespaces, translated. */
export interface NacosView {
  /** Translates a service, or removes it. Returns the changes of the shard and the faults of its instances. */
  update(
    key: string,
    entry: BookEntry | null,
  ): { readonly changes: readonly ShardChange[]; readonly faults: readonly string[] };
  /** Translates the services that changed rules of Dubbo of a namespace concern. */
  rulesChanged(namespace: string): readonly ShardChange[];
  /** Returns services as they were given, without those that are left out. */
  entriesOf(keys: readonly string[]): ReadonlyMap<string, BookEntry>;
}

/** Service of Nacos with what it became. Several become one service of the mesh if Dubbo's identity is equal. */
interface NacosPart extends TranslatedInstances {
  readonly entry: BookEntry;
  readonly named: NamedService;
}

export function createView(options: ViewOptions): NacosView {
  const members = new Map<string, NacosPart>();
  const membersOf = new Map<ServiceKey, Set<string>>();
  const published = new Map<ServiceKey, Service>();
  /** Rules of the mesh that rules of Dubbo became. */
  const objectsOf = new Map<ServiceKey, readonly RawObject[]>();

  function remove(key: string): readonly ServiceKey[] {
    const member = members.get(key);
    if (member === undefined) return [];
    const service = serviceOf(member);
    members.delete(key);
    options.rulesOf(member.entry.name.namespace)?.follow(key, []);
    const others = membersOf.get(service);
    others?.delete(key);
    if (others?.size === 0) membersOf.delete(service);
    return [service];
  }

  function put(key: string, member: NacosPart): readonly ServiceKey[] {
    const former = remove(key);
    const service = serviceOf(member);
    members.set(key, member);
    options.rulesOf(member.entry.name.namespace)?.follow(key, member.dubbo?.providers ?? []);
    membersOf.set(service, (membersOf.get(service) ?? new Set()).add(key));
    return [...new Set([...former, service])];
  }

  const serviceOf = ({ entry, named }: NacosPart): ServiceKey =>
    serviceKey(options.meshNamespaceOf(entry.name.namespace), named.hostname);

  /** Returns the changes of one service of the mesh. */
  function changesOf(key: ServiceKey): readonly ShardChange[] {
    const parts = [...(membersOf.get(key) ?? [])].flatMap((one) => members.get(one) ?? []);
    const former = published.get(key);
    const [first] = parts;
    if (first === undefined) {
      published.delete(key);
      const removed = setObjects(key, []);
      if (former === undefined) return removed;
      return [...removed, { type: 'service-removed', namespace: former.namespace, hostname: former.hostname }];
    }
    const ports = distinctPorts(parts.flatMap((part) => part.ports));
    const namespace = options.meshNamespaceOf(first.entry.name.namespace);
    const service = toService(first, { namespace, ports: portsOr(ports, former) });
    const isKnown = former !== undefined && JSON.stringify(former) === JSON.stringify(service);
    if (!isKnown) published.set(key, service);
    const { endpoints, objects } = governedParts(parts, service, (one) => options.rulesOf(one)?.governance ?? null);
    const set = { namespace, hostname: service.hostname, endpoints };
    return [
      ...(isKnown ? [] : [{ type: 'service', service } as const]),
      { type: 'endpoints', set },
      ...setObjects(key, objects),
    ];
  }

  function setObjects(key: ServiceKey, objects: readonly RawObject[]): readonly ShardChange[] {
    const changes = objectChanges(objectsOf.get(key) ?? [], objects);
    if (objects.length === 0) objectsOf.delete(key);
    else objectsOf.set(key, objects);
    return changes;
  }

  /** Ports stay while a service has no instance. */
  function portsOr(ports: readonly ServicePort[], former: Service | undefined): readonly ServicePort[] {
    if (ports.length > 0) return ports;
    return former?.ports ?? [portFor(options.defaultProtocol, options.ports)].filter((port) => port !== null);
  }

  return {
    update(key, entry) {
      options.addresses.use(key, hostNames(entry?.instances ?? []));
      if (entry === null) return { changes: remove(key).flatMap(changesOf), faults: [] };
      const named = nameOf(entry.name, options);
      if (!named.ok) {
        return { changes: remove(key).flatMap(changesOf), faults: [`${named.error}; the service is left out`] };
      }
      const translated = translateEntry(entry, options);
      const touched = put(key, { entry, named: named.value, ...translated });
      const faults = [...entry.faults, ...translated.faults, ...unresolved(entry, options)];
      return { changes: touched.flatMap(changesOf), faults };
    },
    rulesChanged(namespace) {
      const isConcerned = options.rulesOf(namespace)?.governance.takeConcerned() ?? null;
      if (isConcerned === null) return [];
      const concerned = [...members.values()].filter(
        ({ entry, dubbo }) => entry.name.namespace === namespace && dubbo !== null && isConcerned(dubbo.providers),
      );
      return [...new Set(concerned.map(serviceOf))].flatMap(changesOf);
    },
    entriesOf: (keys) =>
      new Map(
        keys.flatMap((key) => {
          const entry = members.get(key)?.entry;
          return entry === undefined ? [] : [[key, entry] as const];
        }),
      ),
  };
}

function nameOf(name: NacosService, { dubbo, hostnames, names }: ViewOptions): Result<NamedService, string> {
  const identity = dubboIdentity(name.name);
  if (identity !== null) return nameService(identity, dubbo);
  const keys = [`${name.group}@@${name.name}`, ...(name.group === defaultGroup ? [name.name] : [])];
  const own = keys.find((key) => Object.hasOwn(names, key));
  return withOwnName(hostnames.hostnameOf(name), own === undefined ? undefined : names[own]);
}

function translateEntry({ name, instances }: BookEntry, options: ViewOptions): TranslatedInstances {
  const place = `${name.namespace}/${name.group}/${name.name}`;
  const given = { ...options, place, addressesOf: options.addresses.of };
  return dubboIdentity(name.name) === null ? translateListed(instances, given) : translateProviders(instances, given);
}

function toService(
  { entry: { name }, named }: NacosPart,
  { namespace, ports }: { namespace: string; ports: readonly ServicePort[] },
): Service {
  return {
    ...named,
    namespace,
    name: named.hostname,
    registry: 'nacos',
    createdAtMs: 0, // Nacos does not know it
    ports,
    vips: [],
    aliasOf: null,
    resolution: 'static',
    headless: false,
    exportTo: [],
    external: false,
    labels: { 'nacos.namespace': name.namespace, 'nacos.group': name.group, 'nacos.service': name.name },
  };
}

const hostNames = (instances: readonly NacosInstance[]): readonly string[] => [
  ...new Set(instances.flatMap(({ ip }) => (ipVersion(ip) === 0 ? [ip] : []))),
];

const unresolved = ({ instances }: BookEntry, { addresses }: ViewOptions): readonly string[] =>
  hostNames(instances).flatMap((host) => {
    const fault = addresses.fault(host);
    return fault === null ? [] : [`the host ${host} of an instance cannot be resolved: ${fault}`];
  });
