import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { file } from '../../adapters/file/index.ts';
import { isRegistrationAdapter, registration } from '../../adapters/registration/index.ts';
import type { RegistrationBook } from '../../src/platform/registration.ts';
import { adapterConformance } from '../support/adapter-conformance.ts';

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
    let book: RegistrationBook | null = null;
    const key = (service: string) => ({ namespace: 'default', host: `${service}.default`, id: 'one' });
    return {
      adapter(context) {
        const adapter = registration.create({ ttlSeconds: 300, emptyServiceSeconds: 60 }, context);
        book = isRegistrationAdapter(adapter) ? adapter.book : null;
        return adapter;
      },
      async put(service, address) {
        const ports = [{ name: 'http', port: 8080, protocol: 'http', servicePort: 80 }] as const;
        const rest = { labels: {}, weight: 1, locality: '', ttlSeconds: null };
        await book?.write([{ ...key(service), address, ports, ...rest }], []);
      },
      async remove(service) {
        await book?.write([], [key(service)]);
      },
      /** Its platform is its journal: a write that cannot be kept is what it notices. */
      async breakDown() {
        await rename(directory, away);
        await writeFile(directory, 'in the way');
        const writing = book?.write([], [key('reviews')]) ?? Promise.resolve();
        await Promise.race([writing.catch(() => {}), new Promise((resolve) => setImmediate(resolve))]);
      },
      async repair() {
        await rm(directory);
        await rename(away, directory);
      },
    };
  },
});
