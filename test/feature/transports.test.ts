import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import {
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
} from '#gen/envoy/service/status/v3/csds_pb.js';
import { startBackend } from '../support/backend.ts';
import { callOnce } from '../support/call.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { createEndings } from '../support/endings.ts';
import { startEnvoy } from '../support/envoy.ts';
import { splitBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createMeshDir, serviceEntry } from '../support/mesh-dir.ts';
import { freePorts } from '../support/ports.ts';

const host = 'shop.test';
const { ending } = createEndings();

describeWith(['envoy'], 'the program and an Envoy with separate streams for clusters and listeners', () => {
  for (const protocol of ['sotw', 'delta'] as const) {
    it(`carry traffic, follow endpoints and report the status of rules (${protocol})`, async () => {
      const [port = 0] = await freePorts(1);
      const mesh = await ending(createMeshDir(), (made) => made.delete());
      const [one, two] = [
        await ending(startBackend('one'), (backend) => backend.stop()),
        await ending(startBackend('two'), (backend) => backend.stop()),
      ];
      await mesh.write('shop.yaml', serviceEntry(host, port, [{ port: one.port }]));
      const { xdsPort } = await ending(startControlPlane({ args: ['--mesh-dir', mesh.path] }), (plane) => plane.stop());
      const envoy = await ending(startEnvoy({ bootstrap: splitBootstrap({ xdsPort, protocol }) }), (made) =>
        made.stop(),
      );
      const answers = (name: string) =>
        eventually(async () => (await get(port, { host })).body === name, { what: `an answer of ${name}` });
      await answers('one');
      await mesh.write('shop.yaml', serviceEntry(host, port, [{ port: two.port }]));
      await answers('two');

      const told = async () => {
        const answer = await callOnce(
          xdsPort,
          '/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus',
          {
            request: ClientStatusRequestSchema,
            response: ClientStatusResponseSchema,
            init: { excludeResourceContents: true },
          },
        );
        if (answer instanceof Error) throw answer;
        return answer.config;
      };
      const isSynced = async () => {
        const resources = (await told()).flatMap(({ genericXdsConfigs }) => genericXdsConfigs);
        return resources.length > 0 && resources.every(({ configStatus }) => configStatus === ConfigStatus.SYNCED);
      };
      await eventually(isSynced, { what: 'everything acknowledged' });
      const scopes = (await told()).map(({ clientScope }) => clientScope.split(' ').slice(0, 2).join(' '));
      expect(scopes.sort()).toEqual([`ADS ${protocol}`, `CDS ${protocol}`, `LDS ${protocol}`]);
      expect(await envoy.admin('/stats?type=TextReadouts&filter=identifier')).toContain(`@${hostname()}`);
    });
  }
});
