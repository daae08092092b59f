import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { javaArguments } from '../maven.ts';
import { partProgram } from '../parts.ts';
import { isFree } from '../ports.ts';
import { type ServerProcess, serverProcess } from '../server-process.ts';

/** A Nacos server of one's own. It can be killed, paused and started again, on the same ports with the same data. */
export interface NacosServer extends ServerProcess {
  /** Port of HTTP; that of gRPC is 1,000 above. */
  readonly port: number;
  /** `127.0.0.1:port`, as clients write it. */
  readonly address: string;
  /** Logs in as a user. Rejects if the server refuses it. */
  login(username: string, password: string): Promise<string>;
  /** Creates the first user of a server with authentication. */
  createAdmin(password: string): Promise<void>;
  /** Sends a request to its HTTP interface, below `/nacos`. Rejects for a status of 400 and above. */
  http(method: string, path: string, parameters?: Readonly<Record<string, string>>): Promise<string>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

export interface NacosServerOptions {
  readonly version?: 2 | 3;
  /** Requires a login. 3.x only: 2.x has no users in this package. */
  readonly authentication?: boolean;
  /** Further system properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** HTTP port. Default: a free one. */
  readonly port?: number;
  /** Number of starts to try: a member of a cluster ends by itself if the store has no leader in time. Default: 1. */
  readonly attempts?: number;
}

/** Limit for its start, on a busy machine too. */
export const nacosStartMs = 600_000;

/** Starts a server and waits until it is ready, some 15 s. It needs 350 to 600 MB. */
export async function startNacos({
  version = 3,
  authentication = false,
  properties = {},
  port: given,
  attempts = 1,
}: NacosServerOptions = {}): Promise<NacosServer> {
  const classPath = await partProgram(version === 3 ? 'nacos3' : 'nacos2');
  const dir = await mkdtemp(join(tmpdir(), `binnacle-nacos-${process.pid}-`));
  await mkdir(join(dir, 'conf'));
  await writeFile(join(dir, 'conf/application.properties'), '');
  const port = given ?? (await serverPort());
  const own = { ...ownProperties(port, dir, authentication), ...(version === 2 ? propertiesOf2 : {}) };
  const flags = Object.entries({ ...own, ...properties }).map(([key, value]) => `-D${key}=${value}`);
  const main = version === 3 ? 'Nacos3' : 'com.alibaba.nacos.Nacos2';
  const args = javaArguments(classPath, { main, flags: ['-Xms128m', '-Xmx512m', ...flags] });
  const base = `http://127.0.0.1:${port}/nacos`;
  const readiness = version === 3 ? '/v3/admin/core/state/readiness' : '/v1/ns/operator/metrics';
  const server = serverProcess({
    name: `nacos${version}`,
    command: 'java',
    attempts,
    // 3.x looks for application.properties in the class path.
    args: args.map((arg, index) => (args[index - 1] === '-cp' ? [join(dir, 'conf'), arg].join(delimiter) : arg)),
    isReady: async () => (await fetch(`${base}${readiness}`)).ok && !(await isFree(port + 1_000)),
  });
  await server.start();

  async function http(method: string, path: string, parameters: Readonly<Record<string, string>> = {}) {
    const query = new URLSearchParams(parameters);
    const response =
      method === 'POST' || method === 'PUT'
        ? await fetch(`${base}${path}`, { method, body: query })
        : await fetch(`${base}${path}?${query}`, { method });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  }

  return Object.assign(server, {
    port,
    address: `127.0.0.1:${port}`,
    http,
    async login(username: string, password: string) {
      const answer = JSON.parse(await http('POST', '/v3/auth/user/login', { username, password }));
      return String(answer.accessToken);
    },
    async createAdmin(password: string) {
      await http('POST', '/v3/auth/user/admin', { password });
    },
    async close() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  });
}

/**
 * Starts servers of one 3.x cluster with the embedded store, and waits until each is ready. Each needs 350 to 600 MB.
 */
export async function startNacosCluster(size: number): Promise<readonly NacosServer[]> {
  const ports: number[] = [];
  while (ports.length < size) {
    const port = await serverPort();
    if (ports.every((other) => Math.abs(other - port) > 2)) ports.push(port);
  }
  const properties = {
    'nacos.standalone': 'false',
    embeddedStorage: 'true',
    'nacos.member.list': ports.map((port) => `127.0.0.1:${port}`).join(),
    'nacos.server.ip': '127.0.0.1',
    'nacos.core.protocol.raft.data.election_timeout_ms': '1000', // a leader before the store is read
    // Both look into the store before it has a leader, and end the server if that fails.
    'nacos.config.namespace.compatible.mode': 'false',
    'nacos.namespace.migrate.retry.times': '300',
  };
  const started = await Promise.allSettled(ports.map((port) => startNacos({ properties, port, attempts: 10 })));
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = started.find((one) => one.status === 'rejected');
  if (failed === undefined) return servers;
  await Promise.all(servers.map((server) => server.close()));
  throw failed.reason;
}

/** Without users, 2.x in this package asks for a login of Spring's own, and has no context path. */
const propertiesOf2 = {
  'server.servlet.contextPath': '/nacos',
  'spring.autoconfigure.exclude': [
    'org.springframework.boot.autoconfigure.security.servlet.SecurityAutoConfiguration',
    'org.springframework.boot.actuate.autoconfigure.security.servlet.ManagementWebSecurityAutoConfiguration',
  ].join(','),
};

const ownProperties = (port: number, dir: string, authentication: boolean) => ({
  'nacos.standalone': 'true',
  'db.pool.config.connectionTimeout': '120000', // the database begins late on a busy machine
  'derby.stream.error.file': join(dir, 'derby.log'),
  'nacos.home': dir,
  'nacos.server.main.port': String(port),
  'server.port': String(port),
  'nacos.deployment.type': 'server',
  'nacos.core.auth.system.type': 'nacos',
  'nacos.core.auth.enabled': String(authentication),
  'nacos.core.auth.admin.enabled': 'false',
  'nacos.core.auth.plugin.nacos.token.secret.key': Buffer.from('binnacle'.repeat(8)).toString('base64'),
  'nacos.core.auth.server.identity.key': 'binnacle',
  'nacos.core.auth.server.identity.value': 'test',
});

/**
 * A port whose neighbours, 1,000 below and above, are free as well: the server binds them too. Taken at random, below the
 * ports of other servers, because it binds them many seconds later.
 */
async function serverPort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 6_900);
    const free = await Promise.all([port, port + 1_000, port + 1_001, port - 1_000].map(isFree));
    if (free.every(Boolean)) return port;
  }
}
