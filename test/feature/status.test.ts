import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get, sendJson } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry, virtualService } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const host = 'shop.test';
const rules = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';
const object = `${rules}/shop-test`;

interface Shown {
  readonly status: {
    readonly observedGeneration: number;
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
    readonly proxies: { readonly concerned: number; readonly acknowledged: number; readonly rejected: number };
    readonly rejections: readonly { readonly proxy: string; readonly message: string }[];
  };
}

for (const protocol of ['sotw', 'delta'] as const) {
  describeWith(['envoy'], `the status of a rule, with a real Envoy over ${protocol}`, () => {
    let mesh: MeshDir;
    let controlPlane: ControlPlane;
    let backend: Backend;
    let envoy: Envoy | null = null;

    const rule = (route: object) => virtualService(host, [{ ...route, route: [{ destination: { host } }] }]);
    const shown = async (): Promise<Shown> => {
      const { body } = await get(controlPlane.httpPort, { path: object });
      return JSON.parse(body) as Shown; // the format in docs/rules.md
    };
    const becomes = (reason: string) =>
      eventually(
        async () => {
          const { status } = await shown();
          const found = status.conditions.find(({ type }) => type === 'Programmed');
          return found?.reason === reason ? status : null;
        },
        { what: `the reason ${reason}` },
      ).catch(async (cause: unknown) => {
        throw new Error(`no reason ${reason}: ${JSON.stringify((await shown()).status)}`, { cause });
      });

    beforeAll(async () => {
      const [started, port] = await Promise.all([startBackend('v1'), freePort()]);
      backend = started;
      mesh = await createMeshDir();
      await mesh.write('service.yaml', serviceEntry(host, port, [{ port: backend.port, labels: {} }]));
      controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
      await sendJson(controlPlane.httpPort, 'POST', rules, rule({ timeout: '1s' }));
    });
    afterAll(async () => {
      await envoy?.stop();
      await controlPlane?.stop();
      await Promise.all([backend?.stop(), mesh?.delete()]);
    });

    it('reports that no proxy needs it while none is connected', async () => {
      expect(await becomes('NoProxies')).toMatchObject({ proxies: { concerned: 0 } });
    });

    it('counts the proxy that acknowledged it', async () => {
      const { layered_runtime: _, ...bootstrap } = sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol }) as {
        layered_runtime?: object;
      }; // the shape of Envoy's bootstrap
      envoy = await startEnvoy({ bootstrap });
      expect(await becomes('Programmed')).toMatchObject({ proxies: { concerned: 1, acknowledged: 1, rejected: 0 } });
    });

    it('names the proxy that rejects it, with its message', async () => {
      // Exceeds Envoy's default limit of expressions.
      const regex = '/api/v[0-9]+/(users|orders|products|payments)/[a-f0-9-]{36}';
      await sendJson(controlPlane.httpPort, 'PUT', object, rule({ match: [{ uri: { regex } }] }));
      const { rejections, proxies } = await becomes('Rejected');
      expect(proxies).toMatchObject({ concerned: 1, acknowledged: 0, rejected: 1 });
      expect(rejections).toMatchObject([{ proxy: expect.stringContaining('~'), type: 'route' }]);
      expect(rejections[0]?.message).toMatch(/RE2 program size/);
    });

    it('is programmed again once it is repaired', async () => {
      await sendJson(controlPlane.httpPort, 'PUT', object, rule({ timeout: '2s' }));
      expect(await becomes('Programmed')).toMatchObject({
        observedGeneration: 3,
        proxies: { acknowledged: 1, rejected: 0 },
        rejections: [],
      });
    });
  });
}
