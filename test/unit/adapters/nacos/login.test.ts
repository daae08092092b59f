import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { config } from '../../../../adapters/nacos/config.ts';
import { createLogin } from '../../../../adapters/nacos/login.ts';
import { httpTlsOf } from '../../../../adapters/nacos/tls-files.ts';
import { authority } from '../../../support/certificates.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { createTlsFolder, type TlsFolder } from '../../../support/tls-folder.ts';

let files: TlsFolder;
let folder = '';
let url = '';
let close: () => void;
const asked: string[] = [];

/** Answers like Nacos 2.x: it does not have the path of 3.x. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  asked.push(request.url ?? '');
  let form = '';
  request.on('data', (chunk) => {
    form += chunk;
  });
  request.on('end', () => {
    const isKnown = request.url === '/nacos/v1/auth/login';
    response.statusCode = !isKnown ? 404 : form === 'username=mesh&password=secret' ? 200 : 403;
    response.end(response.statusCode === 200 ? '{"accessToken":"token","tokenTtl":18000}' : 'no');
  });
}

beforeEach(async () => {
  asked.length = 0;
  files = await createTlsFolder();
  folder = await mkdtemp(join(tmpdir(), 'binnacle-nacos-login-'));
  await writeFile(join(folder, 'password'), 'secret\n');
  const ca = authority('login CA');
  const own = ca.issue({ ips: ['127.0.0.1'] });
  await writeFile(join(folder, 'ca.pem'), ca.cert);
  const server = createServer(own, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  url = `https://127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`;
  close = () => {
    server.close();
    server.closeAllConnections();
  };
});
afterEach(async () => {
  close();
  await files.delete();
  await rm(folder, { recursive: true, force: true });
});

function login(caFile: string | undefined) {
  const settings = config.parse({ servers: [url], ...(caFile === undefined ? {} : { tls: { caFile } }) });
  return createLogin({
    username: 'mesh',
    passwordFile: join(folder, 'password'),
    contextPath: '/nacos',
    tls: () => httpTlsOf(settings),
    clock: fakeClock(),
  });
}
const server = () => ({ target: '', url });
const { signal } = new AbortController();

test('a login over TLS trusts the CAs of the configuration', async () => {
  const logged = login(join(folder, 'ca.pem'));
  await logged.ensure(server(), signal);
  expect(logged.headers()).toEqual({ accessToken: 'token' });
  expect(asked).toEqual(['/nacos/v3/auth/user/login', '/nacos/v1/auth/login']);
});

test('a login over TLS sends no password to a server of another CA', async () => {
  for (const caFile of [files.caFile, undefined])
    await expect(login(caFile).ensure(server(), signal)).rejects.toThrow(/certificate/);
  expect(asked).toEqual([]);
});

test('a wrong password is told with the status of the answer', async () => {
  await writeFile(join(folder, 'password'), 'wrong');
  await expect(login(join(folder, 'ca.pem')).ensure(server(), signal)).rejects.toThrow(
    'the login of mesh was refused (403 no)',
  );
});
