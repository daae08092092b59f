import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type BenchMesh, hostOf, instancesOf, namespace } from '../mesh.ts';

/** Writes a mesh into a folder for the file adapter: one file per service, with a Service and an EndpointSlice. */
export async function writeMeshFiles(mesh: BenchMesh, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [number, [host, addresses]] of [...addressesOf(mesh)].entries()) {
    const documents = [serviceOf(host, number), endpointSliceOf(host, addresses)];
    await writeFile(
      join(folder, `${nameOf(host)}.yaml`),
      documents.map((document) => stringify(document)).join('---\n'),
    );
  }
}

/** Returns the same mesh as objects of the store. */
export function meshServiceEntries(mesh: BenchMesh): readonly object[] {
  return [...addressesOf(mesh)].map(([host, addresses]) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: nameOf(host), namespace },
    spec: {
      hosts: [host],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      ports: [{ number: 80, targetPort: 8080, name: 'http', protocol: 'HTTP' }],
      endpoints: addresses.map((address) => ({ address })),
    },
  }));
}

const serviceOf = (host: string, number: number) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: nameOf(host), namespace },
  spec: {
    clusterIP: `10.96.${number >> 8}.${number & 255}`,
    ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
  },
});

const endpointSliceOf = (host: string, addresses: readonly string[]) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: nameOf(host), namespace, labels: { 'kubernetes.io/service-name': nameOf(host) } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
});

const nameOf = (host: string): string => host.slice(0, host.indexOf('.'));

function addressesOf(mesh: BenchMesh): ReadonlyMap<string, readonly string[]> {
  const addresses = new Map<string, string[]>();
  for (let service = 0; service < mesh.services; service++) addresses.set(hostOf(service), []);
  for (const { host, address } of instancesOf(mesh)) addresses.get(host)?.push(address);
  return addresses;
}
