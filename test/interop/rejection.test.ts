import { afterEach, expect, it } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { httpListener, startHandFilledPlane } from '../support/hand-filled-plane.ts';

const good = JSON.stringify({ type: 'STATIC', connect_timeout: '1s' });
/** Violates a constraint of the message, which Envoy checks before it applies any resource. */
const invalid = JSON.stringify({ type: 'STATIC', connect_timeout: '0s' });
/** A valid message from which no cluster can be created. */
const impossible = JSON.stringify({ type: 'EDS', connect_timeout: '1s' });

/** Row 26 of the table in docs/protocol.md, and its reason: Envoy may apply nothing of a response that it rejects. */
describeWith(['envoy'], 'a real Envoy that rejects one resource', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function serve() {
    const plane = await startHandFilledPlane();
    ends.push(() => plane.stop());
    const connect = async (protocol: 'sotw' | 'delta'): Promise<Envoy> => {
      const envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: plane.xdsPort, protocol }) });
      ends.push(() => envoy.stop());
      return envoy;
    };
    return { ...plane, connect };
  }

  for (const protocol of ['sotw', 'delta'] as const) {
    for (const [what, bad] of Object.entries({ invalid, impossible })) {
      it(`has the other clusters when one is ${what} (${protocol})`, async () => {
        const { put, rejections, connect } = await serve();
        put({ cluster: { 'bad-one': bad, first: good, second: good } });
        const envoy = await connect(protocol);
        const clusters = () => namesIn(envoy, 'dynamic_active_clusters');
        await eventually(async () => (await clusters()).join() === 'first,second', { what: 'the good clusters' });
        expect(rejections).toEqual(['cluster']);
      });
    }

    it(`has the other clusters when it finds one after another invalid (${protocol})`, async () => {
      const { put, rejections, connect } = await serve();
      put({ cluster: { 'bad-one': invalid, 'bad-two': invalid, first: good, second: good } });
      const envoy = await connect(protocol);
      const clusters = () => namesIn(envoy, 'dynamic_active_clusters');
      await eventually(async () => (await clusters()).join() === 'first,second', { what: 'the good clusters' });
      expect(rejections).toEqual(['cluster', 'cluster']);
    });

    it(`has the other routes when one is impossible (${protocol})`, async () => {
      const { put, rejections, connect } = await serve();
      const names = ['80', '81', '9080'];
      put({
        listener: Object.fromEntries(names.map((name) => [name, httpListener(name)])),
        route: Object.fromEntries(names.map((name) => [name, routes('before')])),
      });
      const envoy = await connect(protocol);
      put({ route: { 80: routes('after'), 81: routes('twice', 'twice'), 9080: routes('after') } });
      const dump = () => envoy.admin('/config_dump?resource=dynamic_route_configs');
      await eventually(async () => (await dump()).match(/"after"/g)?.length === 2, { what: 'the good routes' });
      // It has one of the two virtual hosts that conflict.
      await eventually(async () => (await dump()).match(/"twice"/g)?.length === 1, { what: 'one of the other two' });
      expect(new Set(rejections)).toEqual(new Set(['route']));
    });
  }
});

async function namesIn(envoy: Envoy, resource: string): Promise<string[]> {
  const dump = await envoy.admin(`/config_dump?resource=${resource}`);
  return [...dump.matchAll(/"name": "([^"]+)"/g)].map(([, name]) => name ?? '').sort();
}

const routes = (...domains: string[]) =>
  JSON.stringify({ virtual_hosts: domains.map((domain, index) => ({ name: `${index}`, domains: [domain] })) });
