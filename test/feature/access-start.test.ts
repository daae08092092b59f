import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startControlPlane } from '../support/control-plane.ts';

let folder: string;
const accessFile = () => join(folder, 'access.yaml');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binnacle-access-'));
  await writeFile(
    accessFile(),
    'identities:\n  - { name: eye, tokens: [token-of-the-prometheus], roles: { read: true } }\n',
    {
      mode: 0o600,
    },
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a start that would let other machines change rules', () => {
  const start = async (args: readonly string[], env: Record<string, string> = {}) => {
    const open = await startControlPlane({ args, env, httpHost: '0.0.0.0', waitReady: false });
    onTestFinished(() => open.kill());
    return open;
  };

  it('ends with the remedy', async () => {
    const { child, httpPort } = await start([]);
    expect(await child.exited).toBe(2);
    expect(child.stderr()).toBe(
      `binnacle: CONFIG_INVALID: HTTP on 0.0.0.0:${httpPort} is for other machines too, and anybody there could change rules: name an access file with tokens and roles (--access-file FILE), or listen on 127.0.0.1 (--http), or say that it is meant (--insecure)\n`,
    );
  });

  for (const { name, args = () => [], env = {} } of [
    { name: 'the flag', args: () => ['--insecure'] },
    { name: 'the environment', env: { BINNACLE_INSECURE: 'true' } },
    { name: 'an access file', args: () => ['--access-file', accessFile()] },
  ] as readonly { name: string; args?: () => string[]; env?: Record<string, string> }[]) {
    it(`continues with ${name}`, async () => {
      const open = await start(args(), env);
      await open.ready();
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const probe = plainRequest({ host: '127.0.0.1', port: open.httpPort, path: '/debug' }, (incoming) => {
          incoming.resume();
          resolve(incoming.statusCode);
        });
        probe.on('error', reject).end();
      });
      expect(status).toBe(name === 'an access file' ? 401 : 200);
    });
  }
});
