import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { example } from '../../adapters/example/index.ts';
import { file } from '../../adapters/file/index.ts';
import { registration } from '../../adapters/registration/index.ts';
import { adapterConformance } from '../support/adapter-conformance.ts';
import { adapterServer } from '../support/adapter-server.ts';

adapterConformance({
  name: 'file',
  async create(directory) {
    const mesh = join(directory, 'mesh');
    const away = join(directory, 'away');
    await mkdir(mesh);
    return {
      adapter: (context) => file.create({ path: mesh, rescanSeconds: 30 }, context),
      async put(service, address) {
        const half = join(directory, `${service}.tmp`);
        await writeFile(half, serviceYaml(service, address));
        await rename(half, join(mesh, `${service}.yaml`));
      },
      remove: (service) => rm(join(mesh, `${service}.yaml`)),
      breakDown: () => rename(mesh, away),
      repair: () => rename(away, mesh),
    };
  },
});

const serviceYaml = (name: string, address: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
endpoints: [{ addresses: [${address}] }]
ports: [{ name: http, port: 8080 }]
`;

adapterConformance({
  name: 'registration',
  async create(directory) {
    const away = `${directory}-away`;
    let server: FastifyInstance | null = null;
    const url = (service: string) => `/registry/v1/namespaces/default/services/${service}.default/instances/one`;
    return {
      adapter(context) {
        const adapter = registration.create(
          { sidecarPorts: {}, answerSeconds: 3, ttlSeconds: 300, emptyServiceSeconds: 60 },
          context,
        );
        server = adapterServer([adapter]);
        return adapter;
      },
      async put(service, address) {
        const ports = [{ name: 'http', port: 8080, protocol: 'http', servicePort: 80 }];
        await server?.inject({ method: 'PUT', url: url(service), payload: { address, ports } });
      },
      async remove(service) {
        await server?.inject({ method: 'DELETE', url: url(service) });
      },
      /** Its platform is its journal: a write that cannot be kept is what it notices. */
      async breakDown() {
        await rename(directory, away);
        await writeFile(directory, 'in the way');
        const writing = server?.inject({ method: 'DELETE', url: url('reviews') });
        await Promise.race([writing, new Promise((resolve) => setImmediate(resolve))]);
      },
      async repair() {
        await rm(directory);
        await rename(away, directory);
      },
    };
  },
});

adapterConformance({
  name: 'example',
  async create() {
    const services = new Map<string, object>();
    let isBroken = false;
    const server = createServer((_request, response) => {
      response.statusCode = isBroken ? 503 : 200;
      response.end(isBroken ? 'away' : JSON.stringify([...services.values()]));
    });
    server.on('connection', (socket) => socket.unref()); // the suite looks for open sockets of the adapter
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    const { port } = server.address() as AddressInfo; // it listens on TCP
    return {
      adapter: (context) => example.create({ source: `http://127.0.0.1:${port}/services`, pollSeconds: 0.01 }, context),
      async put(service, address) {
        services.set(service, { host: `${service}.example`, port: 80, addresses: [address] });
      },
      async remove(service) {
        services.delete(service);
      },
      async breakDown() {
        isBroken = true;
      },
      async repair() {
        isBroken = false;
      },
    };
  },
});
