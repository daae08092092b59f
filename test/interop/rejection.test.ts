import { createRegistry, fromJson, toBinary } from '@bufbuild/protobuf';
import { afterEach, expect, it } from 'vitest';
import { ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.js';
import { HttpConnectionManagerSchema } from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { encodeResource, type XdsType } from '../../src/proto/resource.ts';
import { adsMethods } from '../../src/push/ads.ts';
import { Coordinator } from '../../src/push/coordinator.ts';
import { unobserved } from '../../src/push/observer.ts';
import { createRpcServer } from '../../src/rpc/server.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { FakeCompiler } from '../support/fake-compiler.ts';

const good = JSON.stringify({ type: 'STATIC', connect_timeout: '1s' });
/** Against a constraint of the message: Envoy finds that before it looks at any other resource. */
const invalid = JSON.stringify({ type: 'STATIC', connect_timeout: '0s' });
/** Valid as a message, but no cluster can be made of it. */
const impossible = JSON.stringify({ type: 'EDS', connect_timeout: '1s' });

/** Row 26 of the table in ADR 1, and why there is one: Envoy may take nothing of a response that it rejects. */
describeWith(['envoy'], 'a real Envoy that rejects one resource', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function serve() {
    const compiler = new FakeCompiler(encode);
    const rejections: XdsType[] = [];
    const coordinator = new Coordinator({
      compiler,
      take: () => [],
      clock: systemClock,
      log: silentLogger,
      observer: { ...unobserved, rejected: (_client, type) => rejections.push(type) },
      timing: { endpointQuietMs: 0, quietMs: 0, maxMs: 0 },
      defer: setImmediate,
      elapsed: () => performance.now(),
    });
    const ads = adsMethods({ coordinator, log: silentLogger, awaited: () => [], domainSuffix: 'cluster.local' });
    const rpc = createRpcServer({ services: ads, clock: systemClock, log: silentLogger });
    const { port } = await rpc.listen('127.0.0.1', 0);
    ends.push(() => rpc.close());
    const connect = async (protocol: 'sotw' | 'delta'): Promise<Envoy> => {
      const envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: port, protocol }) });
      ends.push(() => envoy.stop());
      return envoy;
    };
    return { compiler, coordinator, rejections, connect };
  }

  for (const protocol of ['sotw', 'delta'] as const) {
    for (const [what, bad] of Object.entries({ invalid, impossible })) {
      it(`has the other clusters when one is ${what} (${protocol})`, async () => {
        const { compiler, rejections, connect } = await serve();
        compiler.put('scope', { cluster: { 'bad-one': bad, first: good, second: good } });
        const envoy = await connect(protocol);
        const clusters = () => namesIn(envoy, 'dynamic_active_clusters');
        await eventually(async () => (await clusters()).join() === 'first,second', { what: 'the good clusters' });
        expect(rejections).toEqual(['cluster']);
      });
    }

    it(`has the other routes when one is impossible (${protocol})`, async () => {
      const { compiler, coordinator, rejections, connect } = await serve();
      const names = ['r80', 'r81', 'r82'];
      compiler.put('scope', {
        listener: Object.fromEntries(names.map((name) => [name, listener(name)])),
        route: Object.fromEntries(names.map((name) => [name, routes('before')])),
      });
      const envoy = await connect(protocol);
      compiler.put('scope', { route: { r80: routes('after'), r81: routes('twice', 'twice'), r82: routes('after') } });
      coordinator.changed('endpoints');
      const dump = () => envoy.admin('/config_dump?resource=dynamic_route_configs');
      await eventually(async () => (await dump()).match(/"after"/g)?.length === 2, { what: 'the good routes' });
      expect(await dump()).toMatch(/"before"/);
      expect(rejections).toEqual(['route']);
    });
  }
});

async function namesIn(envoy: Envoy, resource: string): Promise<string[]> {
  const dump = await envoy.admin(`/config_dump?resource=${resource}`);
  return [...dump.matchAll(/"name": "([^"]+)"/g)].map(([, name]) => name ?? '').sort();
}

/** A resource of a real message, its content written as JSON. */
function encode(type: XdsType, name: string, content: string) {
  const json = { name, ...JSON.parse(content) };
  if (type === 'cluster') return encodeResource(type, name, toBinary(ClusterSchema, fromJson(ClusterSchema, json)));
  if (type === 'listener') {
    return encodeResource(type, name, toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry })));
  }
  return encodeResource(type, name, toBinary(RouteConfigurationSchema, fromJson(RouteConfigurationSchema, json)));
}

const registry = createRegistry(HttpConnectionManagerSchema, RouterSchema);
const typed = (name: string, schema: { readonly typeName: string }, value: object) => ({
  name,
  typed_config: { '@type': `type.googleapis.com/${schema.typeName}`, ...value },
});

/** A listener on a port that the system chooses, with the route configuration of its name. */
const listener = (name: string) => {
  const manager = {
    stat_prefix: name,
    rds: { route_config_name: name, config_source: { ads: {}, resource_api_version: 'V3' } },
    http_filters: [typed('router', RouterSchema, {})],
  };
  return JSON.stringify({
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [typed('http', HttpConnectionManagerSchema, manager)] }],
  });
};

const routes = (...domains: string[]) =>
  JSON.stringify({ virtual_hosts: domains.map((domain, index) => ({ name: `${index}`, domains: [domain] })) });
