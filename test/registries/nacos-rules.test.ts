import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { type ConfigWriter, connectConfigWriter } from '../support/nacos/configs.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';

const route = (name: string, timeout: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop }
spec: { hosts: [${name}], http: [{ timeout: ${timeout}, route: [{ destination: { host: ${name} } }] }] }
`;

for (const version of [3, 2] as const)
  describeWith([`nacos${version}`], `rules in configurations of a Nacos ${version}`, () => {
    let server: NacosServer;
    let writer: ConfigWriter;
    let controlPlane: ControlPlane;

    const debug = async (path: string) => JSON.parse((await get(controlPlane.httpPort, { path })).body);
    /** Returns `name origin timeout` of each VirtualService in effect. */
    async function rules(): Promise<readonly string[]> {
      const all: readonly {
        readonly kind: string;
        readonly metadata: { readonly name: string };
        readonly spec: { readonly http: readonly { readonly timeout: string }[] };
        readonly origin: string;
      }[] = await debug('/debug/configz');
      return all
        .filter(({ kind }) => kind === 'VirtualService')
        .map(({ metadata, origin, spec }) => `${metadata.name} ${origin} ${spec.http[0]?.timeout}`)
        .sort();
    }
    const untilRules = (...want: readonly string[]) =>
      eventually(async () => String(await rules()) === String(want), { what: `rules ${want}`, timeoutMs: 100_000 });

    beforeAll(async () => {
      server = await startNacos({ version });
      writer = await connectConfigWriter(server.port);
      // A server that has just started may not take writes yet.
      await eventually(() => writer.publish('mesh', 'routes.yaml', route('orders', '1s')).then(() => true), {
        what: 'a configuration is written',
        timeoutMs: 200_000,
      });
      await writer.publish('mesh', 'team-a.yaml', route('ratings', '1s'));
      await writer.publish('mesh', 'unrelated.yaml', route('unrelated', '1s'));
      controlPlane = await startControlPlane({
        config: {
          adapters: [
            {
              type: 'nacos',
              servers: [server.address],
              listSeconds: 0.5,
              rules: [{ dataIds: ['routes.yaml', 'team-*.yaml'] }],
            },
          ],
        },
        readyTimeoutMs: 300_000,
      });
    }, nacosStartMs);
    afterAll(async () => {
      await controlPlane?.stop();
      writer?.close();
      await server?.close();
    });

    it('apply from the start, with their configuration as origin', async () => {
      expect(await rules()).toEqual(['orders public/mesh/routes.yaml#1 1s', 'ratings public/mesh/team-a.yaml#1 1s']);
    });

    it('follow what is written, also into configurations that are new', async () => {
      await writer.publish('mesh', 'routes.yaml', route('orders', '2s'));
      await writer.publish('mesh', 'team-b.yaml', route('reviews', '3s'));
      await writer.remove('mesh', 'team-a.yaml');
      await untilRules('orders public/mesh/routes.yaml#1 2s', 'reviews public/mesh/team-b.yaml#1 3s');
    });

    it('stay as they were when a configuration is no YAML or no valid rule, which is named', async () => {
      await writer.publish('mesh', 'routes.yaml', 'kind: [');
      await writer.publish('mesh', 'team-b.yaml', route('reviews', 'soon'));
      await eventually(
        async () => {
          const { problems }: { problems: readonly { origin: string }[] } = await debug('/debug/adapterz');
          const { objects }: { objects: readonly { origin: string }[] } = await debug('/debug/problemz');
          return (
            problems.some(({ origin }) => origin === 'public/mesh/routes.yaml#1') &&
            objects.some(({ origin }) => origin === 'public/mesh/team-b.yaml#1')
          );
        },
        { what: 'both are named', timeoutMs: 100_000 },
      );
      expect(await rules()).toEqual(['orders public/mesh/routes.yaml#1 2s', 'reviews public/mesh/team-b.yaml#1 3s']);
    });
  });
