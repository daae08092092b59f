import type { Api } from './api.ts';
import {
  instanceAt,
  type MeshSize,
  namespaces,
  portsAt,
  type SoakInstance,
  type SoakService,
  serviceAt,
  soakInstancesOf,
} from './mesh.ts';
import type { Random } from './random.ts';

const servicesPath = (namespace: string) => `/registry/v1/namespaces/${namespace}/services`;
const instancesPath = ({ namespace, host }: SoakService) => `${servicesPath(namespace)}/${host}/instances`;

/** Registers everything in its initial state. */
export async function registerMesh(api: Api, size: MeshSize): Promise<void> {
  const all = [...soakInstancesOf(size)];
  for (let from = 0; from < all.length; from += 1_000) {
    await api.must('POST', '/registry/v1/batch', { put: all.slice(from, from + 1_000) });
  }
}

/** Makes one change of services or endpoints. */
export async function changeRegistry(api: Api, size: MeshSize, random: Random): Promise<void> {
  const service = random.below(size.services);
  const instance = random.below(size.instances);
  const put = (changed: Partial<SoakInstance>) => {
    const { namespace, host, id, ...body } = instanceAt(service, instance, changed);
    return api.ask('PUT', `${instancesPath({ namespace, host })}/${id}`, body);
  };
  const kind = random.below(100);
  if (kind < 50) await put({ address: `10.60.${random.below(250)}.${random.below(250)}` });
  else if (kind < 60) await put({ weight: 1 + random.below(10) });
  else if (kind < 70) await put({ id: `lease-${random.below(20)}`, ttlSeconds: 1 + random.below(3) });
  else if (kind < 80) await api.ask('DELETE', `${instancesPath(serviceAt(service))}/i-${instance}`);
  else if (kind < 85) await changePorts(api, service, size, random);
  else if (kind < 88)
    await api.ask('DELETE', `${servicesPath(serviceAt(service).namespace)}/${serviceAt(service).host}`);
  else if (kind < 94) await put({});
  else if (kind < 97) await api.ask('PUT', `${instancesPath(serviceAt(service))}/i-${instance}/heartbeat`);
  else await api.ask('GET', instancesPath(serviceAt(service)));
}

/** Changes all instances at once, so that the service's instances agree. */
async function changePorts(api: Api, service: number, size: MeshSize, random: Random): Promise<void> {
  const ports = portsAt(service, random.of(['http', 'http2', 'grpc']));
  const put = Array.from({ length: size.instances }, (_, instance) => instanceAt(service, instance, { ports }));
  await api.ask('POST', '/registry/v1/batch', { put });
}

/** Reads what is registered, including services without instances. Oldest service first. */
export async function readRegistry(api: Api): Promise<readonly RegisteredMesh[]> {
  const services = await listServices(api);
  const read: RegisteredMesh[] = [];
  for (const service of services) {
    const { instances } = (await api.must('GET', instancesPath(service))) as { instances: RegisteredInstance[] }; // docs/adapters.md
    read.push({ service, instances });
  }
  return read;
}

export interface RegisteredMesh {
  readonly service: ListedService;
  readonly instances: readonly RegisteredInstance[];
}

type RegisteredInstance = SoakInstance & { readonly registeredAt: string; readonly expiresAt: string };

interface ListedService extends SoakService {
  readonly createdAtMs: number;
  readonly ports: SoakInstance['ports'];
}

async function listServices(api: Api): Promise<readonly ListedService[]> {
  const lists = await Promise.all(namespaces.map((namespace) => api.must('GET', servicesPath(namespace))));
  const services = (lists as { services: ListedService[] }[]).flatMap((list) => list.services); // docs/adapters.md
  return services.toSorted((a, b) => a.createdAtMs - b.createdAtMs);
}

/**
 * Registers one control plane's contents with another. The oldest instance decides a service's ports, so it is
 * registered first: all instances of one request have equal age.
 */
export async function registerAgain(api: Api, mesh: readonly RegisteredMesh[]): Promise<void> {
  for (const { service, instances } of mesh) {
    const { namespace, host, ports } = service;
    const oldest = oldestFirst(instances).slice(0, 1);
    if (oldest.length > 0) await api.must('POST', '/registry/v1/batch', { put: oldest });
    else {
      const gone = { ...instanceAt(0, 0), namespace, host, id: 'gone', ports };
      await api.must('POST', '/registry/v1/batch', { put: [gone] });
      await api.must('DELETE', `${instancesPath(service)}/gone`);
    }
  }
  for (const { instances } of mesh) {
    if (instances.length > 1) await api.must('POST', '/registry/v1/batch', { put: oldestFirst(instances).slice(1) });
  }
}

const oldestFirst = (instances: readonly RegisteredInstance[]): readonly SoakInstance[] =>
  instances
    .toSorted((a, b) => a.registeredAt.localeCompare(b.registeredAt))
    .map(({ registeredAt: _at, expiresAt: _until, ...instance }) => instance);

/** Removes everything. */
export async function clearRegistry(api: Api): Promise<void> {
  for (const { namespace, host } of await listServices(api)) {
    await api.must('DELETE', `${servicesPath(namespace)}/${host}`);
  }
}
