import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
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

/** Valid regular expression that exceeds Envoy's default limit of 100 instructions. */
const bigRegex = '/api/v[0-9]+/(users|orders|products|payments)/[a-f0-9-]{36}';
const [bad, good] = ['bad.test', 'good.test'];
const rules = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';

interface Shown {
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
    readonly rejections: readonly { readonly message: string }[];
  };
}

for (const protocol of ['sotw', 'delta'] as const) {
  describeWith(['envoy'], `one rule that Envoy rejects among good ones, over ${protocol}`, () => {
    let mesh: MeshDir;
    let controlPlane: ControlPlane;
    let backend: Backend;
    let envoy: Envoy;
    let port: number;

    /** Builds a rule that adds this header to every answer of the host. */
    const rule = (host: string, version: string, match: object = { prefix: '/' }) =>
      virtualService(host, [
        {
          match: [{ uri: match }],
          headers: { response: { set: { 'x-rule': version } } },
          route: [{ destination: { host } }],
        },
      ]);
    const put = (host: string, object: object) =>
      sendJson(controlPlane.httpPort, 'PUT', `${rules}/${host.replace('.', '-')}`, object);
    /**
     * Starts a sidecar with Envoy's default limit of expressions. Other sidecars on this machine would use its ports.
     */
    const connect = async (name: string): Promise<Envoy> => {
      const { layered_runtime: _, ...bootstrap } = sidecarBootstrap({
        xdsPort: controlPlane.xdsPort,
        protocol,
        name,
      }) as { layered_runtime?: object }; // the shape of Envoy's bootstrap
      return startEnvoy({ bootstrap, name });
    };
    const restart = async (name: string): Promise<void> => {
      await envoy.stop();
      envoy = await connect(name);
    };
    const versionOf = async (host: string) => {
      const { headers } = await get(port, { host });
      return headers['x-rule'] ?? null;
    };
    const becomes = (host: string, version: string) =>
      eventually(async () => (await versionOf(host)) === version, { what: `${version} for ${host}` });
    const programmed = async (host: string) => {
      const { body } = await get(controlPlane.httpPort, { path: `${rules}/${host.replace('.', '-')}` });
      const { status } = JSON.parse(body) as Shown; // the format in docs/rules.md
      return { reason: status.conditions.find(({ type }) => type === 'Programmed')?.reason, ...status };
    };
    const hasReason = (host: string, reason: string) =>
      eventually(async () => (await programmed(host)).reason === reason, { what: `${reason} for ${host}` });
    const rejections = async () => (await controlPlane.metric('binnacle_nacks_total{type="route"}')) ?? 0;

    beforeAll(async () => {
      [backend, port, mesh] = await Promise.all([startBackend('v1'), freePort(), createMeshDir()]);
      for (const host of [bad, good])
        await mesh.write(`${host}.yaml`, serviceEntry(host, port, [{ port: backend.port, labels: {} }]));
      controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
      for (const host of [bad, good]) await sendJson(controlPlane.httpPort, 'POST', rules, rule(host, 'one'));
      envoy = await connect('first');
      for (const host of [bad, good]) await becomes(host, 'one');
    });
    afterAll(async () => {
      await envoy?.stop();
      await controlPlane?.stop();
      await Promise.all([backend?.stop(), mesh?.delete()]);
    });

    it('keeps its last good version in effect, and other resources are updated', async () => {
      await put(bad, rule(bad, 'two', { regex: bigRegex }));
      await put(good, rule(good, 'two'));
      await becomes(good, 'two');
      expect(await versionOf(bad)).toBe('one');
      await put(good, rule(good, 'three'));
      await becomes(good, 'three');
      expect(await versionOf(bad)).toBe('one');
    });

    it('is rejected alone', async () => {
      await hasReason(bad, 'Rejected');
      await hasReason(good, 'Programmed');
      const { rejections } = await programmed(bad);
      expect(rejections.map(({ message }) => message)).toEqual([expect.stringContaining('RE2 program size of')]);
    });

    it('is named in the log with the decisive sentence', () => {
      expect(controlPlane.child.stderr()).toMatch(
        /"virtualHost":"bad\.test:\d+","rules":\["VirtualService\/default\/bad-test"\],"reason":"regex[^"]*RE2 program size/,
      );
    });

    it('has its last good version in a restarted sidecar', async () => {
      await restart('first');
      await becomes(good, 'three');
      await becomes(bad, 'one');
    });

    it('is not sent to a third sidecar, which gets its last good version', async () => {
      await restart('second');
      await becomes(bad, 'one');
      await hasReason(bad, 'Rejected');
      const before = await rejections();
      await restart('third');
      await becomes(good, 'three');
      await becomes(bad, 'one');
      expect(await rejections()).toBe(before);
    });

    it('keeps its last good version after a restart of the killed control plane', async () => {
      await eventually(() => existsSync(join(controlPlane.dataDir, 'rejected-parts.json')), {
        what: 'the findings on disk',
      });
      await controlPlane.kill();
      const { dataDir, httpPort, xdsPort } = controlPlane;
      controlPlane = await startControlPlane({ dataDir, httpPort, xdsPort, args: ['--mesh-dir', mesh.path] });
      await restart('fourth');
      await becomes(good, 'three');
      await becomes(bad, 'one');
      await hasReason(bad, 'Rejected');
      await hasReason(good, 'Programmed');
    });

    it('is in effect everywhere, unmodified, once it is corrected', async () => {
      await put(bad, rule(bad, 'corrected'));
      await becomes(bad, 'corrected');
      await hasReason(bad, 'Programmed');
    });

    it('is not rejected because of a port conflict on a sidecar’s machine', async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      try {
        const { port: itsPort } = taken.address() as AddressInfo; // TCP servers have such an address
        const host = 'taken.test';
        await sendJson(controlPlane.httpPort, 'POST', rules, rule(host, 'one'));
        await mesh.write('taken.yaml', serviceEntry(host, itsPort, [{ port: backend.port, labels: {} }]));
        await eventually(() => /listener not bound by proxy/.test(controlPlane.child.stderr()), {
          what: 'the listener that was not bound',
        });
        expect((await programmed(host)).reason).not.toBe('Rejected');
      } finally {
        taken.close();
      }
    });
  });
}
