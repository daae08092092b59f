import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of objects for the file adapter. It replaces files by renaming, as editors and deployment tools do. */
export interface MeshDir {
  readonly path: string;
  /** Writes a file of one or more objects (JSON is YAML), atomically. */
  write(file: string, ...objects: readonly object[]): Promise<void>;
  remove(file: string): Promise<void>;
  /** Moves the whole directory away, like the loss of a registry; `restore` moves it back. */
  hide(): Promise<void>;
  restore(): Promise<void>;
  delete(): Promise<void>;
}

export async function createMeshDir(): Promise<MeshDir> {
  const parent = await mkdtemp(join(tmpdir(), 'binnacle-mesh-'));
  const path = join(parent, 'mesh');
  const hidden = join(parent, 'hidden');
  await mkdir(path);
  return {
    path,
    async write(file, ...objects) {
      const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
      await writeFile(join(parent, file), `${text}\n`);
      await rename(join(parent, file), join(path, file));
    },
    remove: (file) => rm(join(path, file)),
    hide: () => rename(path, hidden),
    restore: () => rename(hidden, path),
    delete: () => rm(parent, { recursive: true, force: true }),
  };
}

export interface StaticEndpoint {
  readonly port: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly locality?: string;
}

/** An HTTP service at `host:port` with endpoints on 127.0.0.1. */
export const serviceEntry = (host: string, port: number, endpoints: readonly StaticEndpoint[]) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
  spec: {
    hosts: [host],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ name: 'http', number: port, protocol: 'HTTP' }],
    endpoints: endpoints.map(({ port: own, labels = {}, locality }) => ({
      ...{ address: '127.0.0.1', ports: { http: own }, labels },
      ...(locality === undefined ? {} : { locality }),
    })),
  },
});

export const virtualService = (host: string, http: readonly object[]) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
  spec: { hosts: [host], http },
});

/** A policy of a whole host. */
export const trafficPolicy = (host: string, policy: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
  spec: { host, trafficPolicy: policy },
});

/** Subsets by the label `version`. */
export const destinationRule = (host: string, versions: readonly string[]) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
  spec: { host, subsets: versions.map((version) => ({ name: version, labels: { version } })) },
});

/** A route to subsets of a host, with weights. */
export const to = (host: string, weights: Readonly<Record<string, number>>) =>
  Object.entries(weights).map(([subset, weight]) => ({ destination: { host, subset }, weight }));
