import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get, type HttpRequest, sendJson } from '../support/http.ts';
import { createMeshDir, destinationRule, type MeshDir, serviceEntry, to, virtualService } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const host = 'shop.test';
const rules = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';

for (const protocol of ['sotw', 'delta'] as const) {
  describeWith(['envoy'], `a sidecar over ${protocol}`, () => {
    let mesh: MeshDir;
    let controlPlane: ControlPlane;
    let envoy: Envoy;
    let port: number;
    let v1: Backend;
    let v2: Backend;

    const ask = (request: HttpRequest = {}) => get(port, { host, ...request });
    const endpoints = (...backends: Backend[]) =>
      serviceEntry(
        host,
        port,
        backends.map((backend) => ({ port: backend.port, labels: { version: backend.name } })),
      );
    const bodies = async (count: number, request: HttpRequest = {}) =>
      Promise.all(Array.from({ length: count }, async () => (await ask(request)).body));
    const answers = (want: readonly string[], request: HttpRequest = {}) =>
      eventually(
        async () => {
          const got = new Set(await bodies(20, request));
          return got.size === want.length && want.every((name) => got.has(name));
        },
        { what: `answers from ${want.join(' and ')}` },
      ).catch(async (cause: unknown) => {
        const { body } = await get(controlPlane.httpPort, { path: '/debug/syncz' });
        throw new Error(`no answers from ${want.join(' and ')}; the control plane says ${body}`, { cause });
      });

    /** Asks eight at a time until it is ended, which returns the answers of failed requests. */
    const keepAsking = () => {
      let isEnded = false;
      const asking = (async () => {
        const failed: string[] = [];
        while (!isEnded) {
          const responses = await Promise.all(Array.from({ length: 8 }, () => ask()));
          failed.push(...responses.flatMap(({ status, body }) => (status === 200 ? [] : `${status} ${body}`)));
        }
        return failed;
      })();
      return {
        end() {
          isEnded = true;
          return asking;
        },
      };
    };

    beforeAll(async () => {
      [v1, v2, port] = await Promise.all([startBackend('v1'), startBackend('v2'), freePort()]);
      mesh = await createMeshDir();
      await mesh.write('service.yaml', endpoints(v1, v2), destinationRule(host, ['v1', 'v2']));
      controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
      envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol }) });
    });
    afterAll(async () => {
      await envoy?.stop();
      await controlPlane?.stop();
      await Promise.all([v1?.stop(), v2?.stop(), mesh?.delete()]);
    });

    it('spreads requests over all endpoints without a rule', async () => {
      await answers(['v1', 'v2']);
    });

    it('splits 99 to 1 by a rule sent over HTTP', async () => {
      await sendJson(
        controlPlane.httpPort,
        'POST',
        rules,
        virtualService(host, [{ route: to(host, { v1: 99, v2: 1 }) }]),
      );
      await eventually(async () => (await bodies(20)).filter((name) => name === 'v2').length <= 2, {
        what: 'the split',
      });
      const all = (await Promise.all(Array.from({ length: 50 }, () => bodies(40)))).flat();
      const second = all.filter((name) => name === 'v2').length;
      expect(all).toHaveLength(2_000);
      // 20 are expected; fewer than 2 or more than 60 occur by chance in less than one of ten million runs.
      expect(second).toBeGreaterThanOrEqual(2);
      expect(second).toBeLessThanOrEqual(60);
    });

    it('routes by header, and by path and method', async () => {
      await sendJson(
        controlPlane.httpPort,
        'PUT',
        `${rules}/shop-test`,
        virtualService(host, [
          { match: [{ headers: { 'x-env': { exact: 'gray' } } }], route: to(host, { v2: 100 }) },
          { match: [{ uri: { prefix: '/admin' }, method: { exact: 'POST' } }], route: to(host, { v2: 100 }) },
          { route: to(host, { v1: 100 }) },
        ]),
      );
      await answers(['v1']);
      await answers(['v2'], { headers: { 'x-env': 'gray' } });
      await answers(['v2'], { path: '/admin/x', method: 'POST' });
      await answers(['v1'], { path: '/admin/x' });
    });

    it('aborts a request that exceeds the timeout', async () => {
      const rule = virtualService(host, [{ timeout: '0.2s', retries: { attempts: 0 }, route: to(host, { v1: 100 }) }]);
      await sendJson(controlPlane.httpPort, 'PUT', `${rules}/shop-test`, rule);
      v1.delay(2_000);
      const slow = await eventually(async () => ((await ask()).status === 504 ? 'timed out' : null), { what: 'a 504' });
      v1.delay(0);
      expect(slow).toBe('timed out');
    });

    it('retries a failed request as often as the rule says', async () => {
      const rule = virtualService(host, [{ retries: { attempts: 3, retryOn: '5xx' }, route: to(host, { v1: 100 }) }]);
      await sendJson(controlPlane.httpPort, 'PUT', `${rules}/shop-test`, rule);
      await eventually(
        async () => {
          v1.failNext(3);
          const { status } = await ask();
          v1.failNext(0);
          return status === 200;
        },
        { what: 'a request that succeeds at its fourth attempt' },
      );
      v1.failNext(4);
      expect((await ask()).status).toBe(503);
      v1.failNext(0);
    });

    it('ends a try that exceeds its own timeout, and tries again', async () => {
      const retries = { attempts: 1, perTryTimeout: '0.3s', retryOn: '5xx' };
      const rule = virtualService(host, [{ timeout: '20s', retries, route: to(host, { v1: 100 }) }]);
      await sendJson(controlPlane.httpPort, 'PUT', `${rules}/shop-test`, rule);
      v1.delay(10_000);
      const slow = async () => {
        const before = v1.requests.length;
        const { status } = await ask();
        return { status, tries: v1.requests.length - before };
      };
      await eventually(async () => (await slow()).status === 504, { what: 'a 504' });
      expect(await slow()).toEqual({ status: 504, tries: 2 });
      v1.delay(0);
    });

    it('returns to the plain service when the rule is deleted', async () => {
      await sendJson(controlPlane.httpPort, 'DELETE', `${rules}/shop-test`);
      await answers(['v1', 'v2']);
    });

    it('follows an endpoint that is removed from a file and added again', async () => {
      await mesh.write('service.yaml', endpoints(v2), destinationRule(host, ['v1', 'v2']));
      await answers(['v2']);
      await mesh.write('service.yaml', endpoints(v1, v2), destinationRule(host, ['v1', 'v2']));
      await answers(['v1', 'v2']);
    });

    it('switches subsets that appear and disappear with the rule, without a failed request', async () => {
      const load = keepAsking();
      for (const [round, version] of ['v1', 'v2', 'v1', 'v2', 'v1'].entries()) {
        const backend = version === 'v1' ? v1 : v2;
        const subset = `${version}-${round}`;
        const rule = destinationRule(host, []);
        const subsets = [{ name: subset, labels: { version: backend.name } }];
        await mesh.write(
          'service.yaml',
          endpoints(v1, v2),
          { ...rule, spec: { ...rule.spec, subsets } },
          virtualService(host, [{ route: to(host, { [subset]: 100 }) }]),
        );
        await answers([version]);
      }
      expect(await load.end()).toEqual([]);
      await mesh.write('service.yaml', endpoints(v1, v2), destinationRule(host, ['v1', 'v2']));
      await answers(['v1', 'v2']);
    });

    it('takes twenty edits of a route under load without a failed request', async () => {
      const load = keepAsking();
      const edits = [
        (version: string) => ({ route: to(host, { [version]: 100 }) }),
        (version: string) => ({ timeout: '9s', route: to(host, { [version]: 100 }) }),
        (version: string) => ({ match: [{ uri: { prefix: '/' } }], route: to(host, { [version]: 100 }) }),
        (version: string) => ({
          rewrite: { uri: '/x' },
          retries: { attempts: 1 },
          route: to(host, { [version]: 100 }),
        }),
      ];
      for (let edit = 0; edit < 20; edit++) {
        const version = edit % 2 === 0 ? 'v1' : 'v2';
        const route = edits[edit % edits.length]?.(version) ?? {};
        const rule = virtualService(host, [route]);
        if (edit === 0) await sendJson(controlPlane.httpPort, 'POST', rules, rule);
        else await sendJson(controlPlane.httpPort, 'PUT', `${rules}/shop-test`, rule);
        await answers([version]);
      }
      await sendJson(controlPlane.httpPort, 'DELETE', `${rules}/shop-test`);
      await answers(['v1', 'v2']);
      expect(await load.end()).toEqual([]);
    });

    it('has rejected nothing', async () => {
      const stats = await envoy.stats('update_rejected$');
      expect([...stats].filter(([, value]) => value > 0)).toEqual([]);
      for (const type of ['cluster', 'endpoint', 'listener', 'route']) {
        expect(await controlPlane.metric(`binnacle_nacks_total{type="${type}"}`)).toBe(0);
      }
    });
  });
}
