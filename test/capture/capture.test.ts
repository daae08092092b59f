import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { type CapturedMesh, seenBy, startCapturedMesh } from './captured-mesh.ts';
import type { Listen, RequestTarget } from './commands.ts';
import { at, registryOnly, reviewsRoutes, vips } from './mesh.ts';
import type { Namespace } from './namespaces.ts';
import type { CapturedWorkload } from './workload.ts';

/** Time limit for a change to arrive on a busy machine. */
const timeoutMs = 60_000;

/** Source address of connections from a workload's sidecar, which proves that the sidecar handled them. */
const fromSidecar = '127.0.0.6';

describeWith(['envoy', 'packetFilter'], 'captured traffic', () => {
  let mesh: CapturedMesh;
  let hub: Namespace;
  let client: Namespace;

  beforeAll(async () => {
    mesh = await startCapturedMesh();
    hub = mesh.hub;
    client = mesh.client.namespace;
    const servers: readonly (Omit<Listen, 'op'> & { readonly in: Namespace })[] = [
      { in: mesh.one.namespace, kind: 'http', port: 8080, name: 'one' },
      { in: mesh.one.namespace, kind: 'grpc', port: 8090, name: 'one' },
      { in: mesh.one.namespace, kind: 'banner', port: 5000, name: 'one' },
      { in: mesh.two.namespace, kind: 'http', port: 8080, name: 'two' },
      { in: mesh.two.namespace, kind: 'grpc', port: 8090, name: 'two' },
      { in: mesh.two.namespace, kind: 'banner', port: 5000, name: 'two' },
      { in: mesh.one.namespace, kind: 'banner', port: 3306, name: 'store' },
      { in: mesh.one.namespace, kind: 'banner', port: 7000, name: 'plain' },
      { in: mesh.one.namespace, kind: 'banner', port: 7100, name: 'unregistered' },
      { in: mesh.one.namespace, kind: 'grpc', port: 8070, name: 'misnamed' },
      { in: mesh.one.namespace, kind: 'http', port: 8060, name: 'upgraded' },
      { in: hub, kind: 'http', port: 80, name: 'outside' },
      { in: hub, kind: 'http', port: 8081, name: 'known' },
      { in: hub, kind: 'grpc', port: 9080, name: 'outside' },
      { in: hub, kind: 'banner', port: 4000, name: 'outside' },
      { in: hub, kind: 'tls', port: 8443, name: 'known' },
    ];
    await Promise.all(servers.map(({ in: where, ...server }) => where.ask({ op: 'listen', ...server })));
  }, 120_000);
  afterAll(() => mesh?.stop());

  const askFrom =
    (from: () => Namespace) =>
    async (target: Partial<RequestTarget> = {}) =>
      from().ask({ op: 'http', address: vips.reviews, port: 9080, host: 'reviews', ...target });
  const ask = askFrom(() => client);
  const askFromOutside = askFrom(() => hub);
  const names = async (count: number, target: Partial<RequestTarget> = {}) => {
    const answers = await Promise.all(Array.from({ length: count }, () => ask(target)));
    return answers.map((answer) => seenBy(answer).name);
  };

  describe('from a workload', () => {
    for (const host of [
      'reviews',
      'reviews.default',
      'reviews.default.svc',
      'reviews.default.svc.cluster.local',
      'reviews:9080',
      vips.reviews,
      `${vips.reviews}:9080`,
    ]) {
      it(`calls a service by its address and the name ${host}`, async () => {
        const { name, peer } = seenBy(await ask({ host }));
        expect(['one', 'two']).toContain(name);
        expect([fromSidecar, '::6']).toContain(peer);
      });
    }

    it('calls another port of it with gRPC', async () => {
      const target = { address: vips.reviews, port: 9090, host: 'reviews:9090' };
      expect(await client.ask({ op: 'grpc', ...target })).toMatchObject({ status: 0, body: 'one' });
      const headers = { 'end-user': 'jason' };
      expect(await client.ask({ op: 'grpc', ...target, headers })).toMatchObject({ status: 0, body: 'two' });
    });

    it('splits by weights, and by headers', async () => {
      const second = (await names(400)).filter((name) => name === 'two').length;
      // 40 are expected; fewer than 10 or more than 90 happen by chance less than once in ten million runs
      expect(second).toBeGreaterThan(9);
      expect(second).toBeLessThan(91);
      expect(new Set(await names(20, { headers: { 'end-user': 'jason' } }))).toEqual(new Set(['two']));
      expect(new Set(await names(20, { headers: { 'end-user': 'ada' } }))).toEqual(new Set(['one']));
    });

    it('lets a server speak first', async () => {
      const spoken = await client.ask({ op: 'raw', address: vips.store, port: 3306, speaksFirst: true, say: 'hello' });
      expect(spoken.body).toBe('store\nhello');
    });

    it('keeps the endpoint of a headless service that was called', async () => {
      for (const name of ['one', 'two'] as const) {
        const spoken = await client.ask({ op: 'raw', address: at[name].v4, port: 5000, speaksFirst: true, say: 'x' });
        expect(spoken.body).toBe(`${name}\nx`);
      }
    });

    it('calls no endpoint that is not ready', async () => {
      const target = { address: vips.sick, port: 9040, host: 'sick' };
      expect(new Set(await names(30, target))).toEqual(new Set(['two']));
    });

    it('passes connections to an unknown machine through', async () => {
      const http = await ask({ address: at.unknown, port: 80, host: 'anything.test' });
      expect(http.headers).toMatchObject({ server: 'outside', 'x-envoy-upstream-service-time': expect.anything() });
      const tcp = { address: at.unknown, port: 4000, speaksFirst: true, say: 'x' };
      expect((await client.ask({ op: 'raw', ...tcp })).body).toBe('outside\nx');
    });

    it('passes HTTP/2 to an unknown machine through, on a port that a service has', async () => {
      const target = { address: at.unknown, port: 9080, host: 'anything.test:9080' };
      expect(await client.ask({ op: 'grpc', ...target })).toMatchObject({ status: 0, body: 'outside' });
    });

    it('calls registered hosts outside the mesh, and does not terminate their TLS', async () => {
      const known = await ask({ address: at.unknown, port: 80, host: 'known.test' });
      expect(seenBy(known).name).toBe('known');
      const tls = await client.ask({ op: 'tls', address: vips.tls, port: 443, host: 'tls.test' });
      expect(tls.body).toBe('known');
    });

    it('upgrades the protocol to WebSocket', async () => {
      expect(await ask({ upgrade: 'websocket' })).toMatchObject({ status: 101, body: 'hello' });
    });

    it('calls itself by the name of a service', async () => {
      const headers = { 'end-user': 'ada' };
      const itself = await askFrom(() => mesh.one.namespace)({ headers });
      expect(seenBy(itself)).toMatchObject({ name: 'one', peer: expect.stringMatching(/^(127\.0\.0\.6|::6)$/) });
    });

    it('calls over IPv6', async () => {
      expect(['one', 'two']).toContain(seenBy(await ask({ address: vips.reviews6 })).name);
    });

    it('cannot reach unknown hosts with REGISTRY_ONLY', async () => {
      await mesh.files.write('registry-only.yaml', registryOnly);
      const unknown = { address: at.unknown, port: 80, host: 'anything.test' };
      await eventually(async () => (await ask(unknown)).status === 502, { what: 'unknown hosts refused', timeoutMs });
      const tcp = { address: at.unknown, port: 4000, speaksFirst: true, say: 'x' };
      expect(await client.ask({ op: 'raw', ...tcp })).toHaveProperty('error');
      expect((await ask()).status).toBe(200);
      await mesh.files.remove('registry-only.yaml');
      await eventually(async () => (await ask(unknown)).status === 200, { what: 'unknown hosts called', timeoutMs });
    }, 150_000);
  });

  describe('to a workload', () => {
    for (const { how, name, address, peer } of [
      { how: 'redirected', name: 'one', address: at.one.v4, peer: fromSidecar },
      { how: 'redirected, by IPv6', name: 'one', address: at.one.v6, peer: '::6' },
      { how: 'by TPROXY', name: 'two', address: at.two.v4, peer: fromSidecar },
      { how: 'by TPROXY and IPv6', name: 'two', address: at.two.v6, peer: '::6' },
    ]) {
      it(`passes through its sidecar, ${how}`, async () => {
        expect(seenBy(await askFromOutside({ address, port: 8080 }))).toMatchObject({ name, peer });
      });
    }

    it('reaches ports without a protocol, and ports that no service has', async () => {
      for (const [port, name] of [
        [7000, 'plain'],
        [7100, 'unregistered'],
      ] as const) {
        const spoken = await hub.ask({ op: 'raw', address: at.one.v4, port, speaksFirst: true, say: 'x' });
        expect(spoken.body).toBe(`${name}\nx`);
      }
    });

    it('arrives as HTTP/1.0 without a host, like health checks', async () => {
      for (const { v4 } of [at.one, at.two]) {
        const checked = await hub.ask({ op: 'raw', address: v4, port: 8080, say: 'GET / HTTP/1.0\r\n\r\n' });
        expect(checked.body).toMatch(/^HTTP\/1\.[01] 200 OK\r\n/);
      }
    });

    it('arrives as gRPC on a port named http', async () => {
      const direct = await hub.ask({ op: 'grpc', address: at.one.v4, port: 8070, host: 'misnamed' });
      expect(direct).toMatchObject({ status: 0, body: 'misnamed' });
    });

    it("arrives as HTTP/1 although the client's sidecar upgraded it", async () => {
      const upgraded = await ask({ address: vips.upgraded, port: 9060, host: 'upgraded' });
      expect(seenBy(upgraded)).toMatchObject({ name: 'upgraded', httpVersion: '1.1' });
      const protocols = await mesh.client.admin('/stats?filter=9060.*upstream_cx_http2_total');
      expect(protocols).toMatch(/http2_total: [1-9]/);
    });
  });

  it('is not cut when it is silent', async () => {
    for (const { admin } of [mesh.client, mesh.one, mesh.two]) {
      const dump = await admin('/config_dump?resource=dynamic_listeners');
      const managers = dump.match(/"stat_prefix": "[^"]*",\s*"r(ds|oute_config)"/g)?.length;
      expect(managers).toBeGreaterThan(0);
      expect(dump.match(/"stream_idle_timeout": "0s"/g)).toHaveLength(managers ?? 0);
    }
  });

  it('continues without an error while rules change and the control plane is killed', async () => {
    await client.ask({ op: 'begin', address: vips.reviews, port: 9080, host: 'reviews' });
    for (const [index, weights] of [{ v1: 50, v2: 50 }, { v2: 100 }, { v1: 100 }].entries()) {
      await mesh.files.write('routes.yaml', reviewsRoutes(weights));
      const want = [['one', 'two'], ['two'], ['one']][index];
      await eventually(async () => [...new Set(await names(20))].sort().join() === want?.join(), {
        what: `answers of ${want}`,
        timeoutMs,
      });
    }
    await mesh.restart();
    await mesh.files.write('routes.yaml', reviewsRoutes({ v2: 100 }));
    await eventually(async () => new Set(await names(20)).has('two'), {
      what: 'a rule of the new control plane',
      timeoutMs,
    });
    const { count, errors } = await client.ask({ op: 'end' });
    expect(errors).toEqual([]);
    expect(count).toBeGreaterThan(50);
  }, 300_000);

  // Last, as they remove the capture

  it('is recognised by capture.sh, and reloaded without a gap', async () => {
    for (const { capture } of [mesh.client, mesh.one, mesh.two] satisfies readonly CapturedWorkload[]) {
      expect(await capture('check')).toMatch(/IPv4: in place.*IPv6: in place/s);
      await expect(capture('install', '--exclude-outbound-ranges', '10.0.0.999/8')).rejects.toThrow(
        'nothing was changed',
      );
      await capture('install');
      expect(await capture('check')).not.toMatch(/not captured|other rules|warning/);
    }
    expect((await ask()).status).toBe(200);
  });

  it('fails while the sidecar is down, and bypasses it once the rules are removed', async () => {
    const direct = { address: at.unknown, port: 80, host: 'anything.test' };
    await mesh.client.envoy.kill();
    expect(await ask(direct)).toHaveProperty('error');
    expect(await mesh.client.capture('check')).toMatch(/warning: nothing listens on 15001/);
    await mesh.client.capture('remove');
    expect((await ask(direct)).headers).not.toHaveProperty('x-envoy-upstream-service-time');
    await expect(mesh.client.capture('check')).rejects.toThrow();
    await mesh.one.capture('remove');
    expect(seenBy(await askFromOutside({ address: at.one.v4, port: 8080 })).peer).toBe(at.hub.v4);
    const left = await mesh.one.namespace.run('ip', '-6', 'addr', 'show', 'dev', 'lo');
    expect(left).not.toContain('::6/128');
  });
});
