import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import { silentObserver } from '../../src/rpc/observer.ts';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.ts';
import { authority } from '../support/certificates.ts';
import { startChild } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { partProgram } from '../support/parts.ts';
import { testService } from './grpc-interop/test-service.ts';

const cases = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'cancel_after_begin',
  'cancel_after_first_response',
  'timeout_on_sleeping_server',
  'custom_metadata',
  'status_code_and_message',
  'special_status_message',
  'unimplemented_method',
  'unimplemented_service',
];

/** grpc-go's build of gRPC's interop client. */
for (const secure of [false, true]) {
  describeWith(['interopClient'], `the public interop client, ${secure ? 'over TLS' : 'in plaintext'}`, () => {
    let server: RpcServer;
    let folder: string;
    let flags: string[];
    const complaints: string[] = [];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'binnacle-interop-'));
      const ca = authority();
      const material = { ...ca.issue({ commonName: 'interop', dnsNames: ['foo.test'] }), clientCa: null };
      const log: Logger = { ...silentLogger, info: (_facts, message) => complaints.push(message) };
      const observer = { ...silentObserver, cutOff: (reason: string) => complaints.push(reason) };
      const common = { services: testService(), clock: systemClock, log, observer };
      server = createRpcServer(secure ? { ...common, tls: { material, requireClientCert: false } } : common);
      const { port } = await server.listen('127.0.0.1', 0);
      await writeFile(join(folder, 'ca.pem'), ca.cert);
      const tls = [
        '--use_tls',
        '--use_test_ca',
        '--ca_file',
        join(folder, 'ca.pem'),
        '--server_host_override',
        'foo.test',
      ];
      flags = ['--server_host', '127.0.0.1', '--server_port', String(port), ...(secure ? tls : [])];
    });
    afterAll(async () => {
      await server?.close();
      await rm(folder, { recursive: true, force: true });
    });

    for (const name of cases) {
      it(`passes ${name}`, async () => {
        const command = await partProgram('interopClient');
        const child = startChild({ name: `interop-${name}`, command, args: [...flags, '--test_case', name] });
        expect(await child.exited, `${child.stdout()}${child.stderr()}`).toBe(0);
      });
    }

    it('disconnects normally: its GOAWAY is not a violation of HTTP/2 in the log or the metrics', async () => {
      await eventually(() => server.connectionCount() === 0, { what: 'every connection is gone' });
      expect(complaints).not.toContain('protocol-error');
      expect(complaints).not.toContain('connection ended for a violation of HTTP/2');
    });
  });
}
