import { type ApiClient, ApiError } from '../../support/kubernetes/api-client.ts';
import type { BenchMesh } from '../mesh.ts';
import { inTurns } from './in-turns.ts';

const namespace = 'default';
const writers = 32;

export const nameOf = (service: number): string => `svc-${service}`;
export const clusterNameOf = (service: number): string =>
  `outbound|80||${nameOf(service)}.${namespace}.svc.cluster.local`;

/** Returns an address that no other pair of numbers has. */
export const addressOf = (round: number, number: number): string =>
  `10.${round & 255}.${(number >> 8) & 255}.${number & 255}`;

const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;

/** Writes all Services and EndpointSlices. */
export async function writeMesh(client: ApiClient, { services, endpoints }: BenchMesh): Promise<void> {
  await inTurns(services, writers, async (service) => {
    const name = nameOf(service);
    const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
    await client.ask(`/api/v1/namespaces/${namespace}/services`, {
      method: 'POST',
      body: { metadata: { name }, spec: { ports, selector: { app: name } } },
    });
    await client.ask(slices, {
      method: 'POST',
      body: {
        metadata: { name, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: addressesOf(service, endpoints).map(endpointOf),
      },
    });
  });
}

/** Gives the first endpoint of a service another address. */
export async function moveEndpoint(
  client: ApiClient,
  { endpoints }: BenchMesh,
  { service, address }: { readonly service: number; readonly address: string },
): Promise<void> {
  const path = `${slices}/${nameOf(service)}`;
  const body = { endpoints: [address, ...addressesOf(service, endpoints).slice(1)].map(endpointOf) };
  const { status } = await client.send(path, { method: 'PATCH', contentType: 'application/merge-patch+json', body });
  if (status !== 200) throw new ApiError(status, `PATCH ${path}`);
}

const addressesOf = (service: number, endpoints: number): readonly string[] =>
  Array.from({ length: endpoints }, (_, index) => addressOf(1 + index, service));

const endpointOf = (address: string) => ({ addresses: [address], conditions: { ready: true } });
