import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startControlPlane } from '../support/control-plane.ts';
import { createEndings } from '../support/endings.ts';
import { eventually } from '../support/eventually.ts';

const { after, ending } = createEndings();

/** Starts the program with these `xds.limits` in binnacle.yaml. */
async function limited(limits: string) {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-limits-'));
  after(() => rm(folder, { recursive: true }));
  const config = join(folder, 'binnacle.yaml');
  await writeFile(config, `xds: { limits: ${limits} }`);
  return ending(startControlPlane({ args: ['--config', config] }), (controlPlane) => controlPlane.stop());
}

interface Connection {
  readonly session: ClientHttp2Session;
  /** Codes of the received GOAWAYs. */
  readonly goaways: number[];
}

function connectTo(port: number): Connection {
  const session = connect(`http://127.0.0.1:${port}`);
  const goaways: number[] = [];
  session.on('error', () => {});
  session.on('goaway', (code: number) => goaways.push(code));
  after(() => session.destroy());
  return { session, goaways };
}

const isServed = ({ session }: Connection) =>
  new Promise<boolean>((resolve) => {
    if (session.destroyed) resolve(false);
    session.once('close', () => resolve(false));
    session.once('remoteSettings', () => resolve(true));
  });

describe('xds.limits of binnacle.yaml', () => {
  it('close excess connections, and accept new ones after others have left', async () => {
    const { xdsPort, metric } = await limited('{ maxConnections: 2 }');
    const [first, second] = [connectTo(xdsPort), connectTo(xdsPort)];
    expect([await isServed(first), await isServed(second)]).toEqual([true, true]);
    expect(await isServed(connectTo(xdsPort))).toBe(false);
    expect(await metric('binnacle_rpc_cut_offs_total{reason="too-many-connections"}')).toBe(1);

    first.session.destroy();
    await eventually(async () => isServed(connectTo(xdsPort)), { what: 'room for a new one' });
  });

  it('close old connections with a GOAWAY without an error', async () => {
    const { xdsPort } = await limited('{ maxConnectionAgeSeconds: 0.2, maxConnectionAgeGraceSeconds: 0.2 }');
    const connection = connectTo(xdsPort);
    const call = connection.session.request({
      ':method': 'POST',
      ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
      'content-type': 'application/grpc',
    });
    call.on('error', () => {});
    await eventually(() => connection.session.destroyed, { what: 'the end of the connection' });
    expect(connection.goaways.length).toBeGreaterThan(0);
    expect(new Set(connection.goaways)).toEqual(new Set([0]));
  });
});
