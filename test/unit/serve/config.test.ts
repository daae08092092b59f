import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseFlags } from '../../../src/cli/flags.ts';
import { serveFlags } from '../../../src/cli/serve.ts';
import { defaultLimits } from '../../../src/rpc/limits.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import { loadServeConfig } from '../../../src/serve/config.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'binnacle-config-'));
  file = join(directory, 'binnacle.yaml');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const load = async (argv: readonly string[], env: Readonly<Record<string, string>>) =>
  loadServeConfig(parseFlags(argv, serveFlags), env);

const withFile = (text: string) => {
  writeFileSync(file, text);
  return load(['--config', file], {});
};

/** Default limits without those that have no key. */
const {
  maxSendBytes: _send,
  maxHeaderListBytes: _headers,
  maxSessionMemoryBytes: _session,
  streamWindowBytes: _streamWindow,
  connectionWindowBytes: _connectionWindow,
  maxQueuedBytes: _queued,
  messageTimeoutMs: _message,
  handshakeTimeoutMs: _handshake,
  controlFrames: _frames,
  abandonedCalls: _abandoned,
  ...limitsWithKeys
} = defaultLimits;

describe('the configuration of serve', () => {
  it('has defaults for everything', async () => {
    expect(await load([], {})).toEqual({
      http: { address: { host: '127.0.0.1', port: 8080 }, allowedHosts: [], tls: null, accessFile: null },
      xds: {
        plaintext: { host: '127.0.0.1', port: 15010 },
        tls: null,
        auth: null,
        limits: limitsWithKeys,
        nodeLimits: { maxNodeLabels: 256, maxNodeFieldBytes: 1024, maxNodeBytes: 32_768 },
        clientStatus: { loopback: true, identities: [] },
        clientLimits: { maxNamesPerType: 100_000, maxScopesPerPeer: 200 },
      },
      store: { type: 'sqlite', path: '.binnacle/rules.db' },
      webhook: null,
      adapters: [{ type: 'registration', name: 'registration', required: true, syncTimeoutSeconds: 30, options: {} }],
      registration: { allow: [], workloads: 'verified', graceSeconds: 10 },
      merging: { oneAdapterOnly: [] },
      mesh: defaultMeshConfig,
      domainSuffix: 'cluster.local',
      push: { endpointQuietMs: 0, quietMs: 20, maxMs: 1000 },
      dataDir: '.binnacle',
      logLevel: 'info',
    });
  });

  it('accepts every key of the file', async () => {
    const config = await withFile(`
http:
  address: "[fd00::1]:9080"
  allowedHosts: [mesh.example, "*.mesh.example"]
  tls: { certFile: c.pem, keyFile: k.pem, clientCaFile: ca.pem }
  accessFile: access.yaml
xds:
  plaintext: "0.0.0.0:16010"
  tls:
    { address: "binnacle.local:16012", certFile: c.pem, keyFile: k.pem, clientCaFile: ca.pem, requireClientCert: false }
  auth:
    type: kubernetes
    kubeconfig: k.yaml
    context: mesh
    audiences: [mesh.example]
    allowPlaintext: true
    allowTokensWithoutPod: true
  limits:
    maxConnections: 500
    maxStreamsPerConnection: 8
    maxStreams: 10000
    maxCallsPerSecondPerPeer: 7
    maxMessageBytes: 8388608
    requestTimeoutSeconds: 5
    maxConnectionAgeSeconds: 1800
    keepaliveTimeoutSeconds: 0.5
    maxNodeLabels: 10
    maxNamesPerType: 5000
    maxScopesPerPeer: 7
  clientStatus: { loopback: false, identities: ["spiffe://mesh/ns/ops/*"] }
store: { type: sqlite, path: /var/lib/rules.db }
adapters:
  - { type: file, path: ./mesh }
  - { type: nacos, name: nacos-east, required: false, syncTimeoutSeconds: 5, servers: ["127.0.0.1:8848"] }
registration: { allow: [shop/orders.example, "vm-*/*.example", "*/*"], workloads: any, graceSeconds: 20 }
merging: { oneAdapterOnly: ["default/*.dubbo", default/demo._greet.dubbo] }
mesh: { rootNamespace: mesh-root, outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
domainSuffix: mesh.example
push: { quietMs: 50 }
dataDir: /var/lib/binnacle
logLevel: debug
`);
    expect(config).toEqual({
      http: {
        address: { host: 'fd00::1', port: 9080 },
        allowedHosts: ['mesh.example', '*.mesh.example'],
        tls: { certFile: 'c.pem', keyFile: 'k.pem', clientCaFile: 'ca.pem' },
        accessFile: 'access.yaml',
      },
      xds: {
        plaintext: { host: '0.0.0.0', port: 16010 },
        tls: {
          address: { host: 'binnacle.local', port: 16012 },
          certFile: 'c.pem',
          keyFile: 'k.pem',
          clientCaFile: 'ca.pem',
          requireClientCert: false,
        },
        auth: { kubeconfig: 'k.yaml', context: 'mesh', audiences: ['mesh.example'], allowTokensWithoutPod: true },
        limits: {
          ...limitsWithKeys,
          maxConnections: 500,
          maxConcurrentStreams: 8,
          maxStreams: 10_000,
          callsPerPeer: { burst: 70, perSecond: 7 },
          maxReceiveBytes: 8_388_608,
          requestTimeoutMs: 5_000,
          maxConnectionAgeMs: 1_800_000,
          keepaliveTimeoutMs: 500,
        },
        nodeLimits: { maxNodeLabels: 10, maxNodeFieldBytes: 1024, maxNodeBytes: 32_768 },
        clientLimits: { maxNamesPerType: 5000, maxScopesPerPeer: 7 },
        clientStatus: { loopback: false, identities: ['spiffe://mesh/ns/ops/*'] },
      },
      store: { type: 'sqlite', path: '/var/lib/rules.db' },
      webhook: null,
      adapters: [
        { type: 'file', name: 'file', required: true, syncTimeoutSeconds: 30, options: { path: './mesh' } },
        {
          type: 'nacos',
          name: 'nacos-east',
          required: false,
          syncTimeoutSeconds: 5,
          options: { servers: ['127.0.0.1:8848'] },
        },
      ],
      mesh: { ...defaultMeshConfig, rootNamespace: 'mesh-root', outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
      registration: { allow: ['shop/orders.example', 'vm-*/*.example', '*/*'], workloads: 'any', graceSeconds: 20 },
      merging: { oneAdapterOnly: ['default/*.dubbo', 'default/demo._greet.dubbo'] },
      domainSuffix: 'mesh.example',
      push: { endpointQuietMs: 0, quietMs: 50, maxMs: 1000 },
      dataDir: '/var/lib/binnacle',
      logLevel: 'debug',
    });
  });

  it('prefers a flag to the environment, and the environment to the file', async () => {
    writeFileSync(file, 'http: 127.0.0.1:1\nxds: { plaintext: "127.0.0.1:1" }\ndataDir: from-file\n');
    const env = { BINNACLE_CONFIG: file, BINNACLE_HTTP: '127.0.0.1:2', BINNACLE_XDS: '127.0.0.1:2' };
    const config = await load(['--http=127.0.0.1:3'], env);
    expect(config.http.address.port).toBe(3);
    expect(config.xds.plaintext.port).toBe(2);
    expect(config.dataDir).toBe('from-file');
  });

  it('reads a store in a cluster, and has the adapter of that cluster read no rules', async () => {
    const config = await withFile(`
store: { type: kubernetes, kubeconfig: a }
adapters:
  - { type: kubernetes, kubeconfig: a }
  - { type: kubernetes, name: other, kubeconfig: b }
  - { type: kubernetes, name: both, kubeconfig: a, rules: true }
`);
    expect(config.store).toEqual({
      ...{ type: 'kubernetes', kubeconfig: 'a', context: null, syncTimeoutSeconds: 30, reconcileSeconds: 300 },
      ...{ status: true, leaseNamespace: null },
    });
    expect(config.adapters.map(({ options }) => options)).toEqual([
      { kubeconfig: 'a', rules: false },
      { kubeconfig: 'b' },
      { kubeconfig: 'a', rules: true },
    ]);
  });

  it('reads a webhook, for which clients need no certificate', async () => {
    const { webhook } = await withFile('webhook: { certFile: c.pem, keyFile: k.pem }');
    expect(webhook).toEqual({
      address: { host: '127.0.0.1', port: 15017 },
      tls: { certFile: 'c.pem', keyFile: 'k.pem', clientCaFile: null },
    });
  });

  it('accepts every flag', async () => {
    writeFileSync(file, 'xds: { tls: { certFile: c.pem, keyFile: k.pem } }');
    const addresses = '--http 127.0.0.1:0 --xds 127.0.0.1:1 --xds-tls 127.0.0.1:2';
    const argv = `--config ${file} ${addresses} --data-dir d --mesh-dir m --log-level warn`;
    expect(await load(argv.split(' '), {})).toMatchObject({
      http: { address: { port: 0 } },
      xds: { plaintext: { port: 1 }, tls: { address: { port: 2 }, certFile: 'c.pem' } },
      dataDir: 'd',
      store: { path: 'd/rules.db' },
      adapters: [{ type: 'registration' }, { type: 'file', name: 'mesh-dir', options: { path: 'm' } }],
      logLevel: 'warn',
    });
  });

  for (const { name, tls, want } of [
    {
      name: 'certificates of the server alone',
      tls: '{ certFile: c.pem, keyFile: k.pem }',
      want: { address: { host: '127.0.0.1', port: 15012 }, clientCaFile: null, requireClientCert: false },
    },
    {
      name: 'CAs of clients, which then need a certificate',
      tls: '{ certFile: c.pem, keyFile: k.pem, clientCaFile: ca.pem }',
      want: { clientCaFile: 'ca.pem', requireClientCert: true },
    },
  ]) {
    it(`accepts TLS with ${name}`, async () => {
      expect((await withFile(`xds: { tls: ${tls} }`)).xds.tls).toMatchObject(want);
    });
  }

  it('accepts an empty file', async () => {
    expect(await withFile('# nothing yet\n')).toEqual(await load([], {}));
  });
});

describe('a wrong configuration', () => {
  for (const { name, argv, env = {}, says } of [
    { name: 'an unknown flag', argv: ['--htpp', '127.0.0.1:1'], says: 'unknown flag --htpp (did you mean "--http"?)' },
    { name: 'a flag far from any', argv: ['--zzzzzz'], says: 'unknown flag --zzzzzz; there are --config, --http,' },
    { name: 'a flag without its value', argv: ['--http'], says: '--http needs ADDR' },
    { name: 'a flag given twice', argv: ['--http', 'a:1', '--http', 'a:2'], says: '--http is given twice' },
    { name: 'a stray word', argv: ['now'], says: 'unexpected argument "now"' },
    { name: 'an address without a port', argv: ['--xds', 'localhost'], says: '--xds must be host:port' },
    { name: 'an invalid port', argv: ['--http', '127.0.0.1:70000'], says: 'not "127.0.0.1:70000"' },
    {
      name: 'a wrong level',
      argv: ['--log-level', 'loud'],
      says: '--log-level must be one of debug, info, warn, error',
    },
    { name: 'a wrong variable', argv: [], env: { BINNACLE_XDS_TLS: 'x' }, says: 'BINNACLE_XDS_TLS must be host:port' },
    {
      name: 'TLS without certificates',
      argv: ['--xds-tls', '127.0.0.1:1'],
      says: '--xds-tls needs certificates: give xds.tls.certFile and xds.tls.keyFile in binnacle.yaml',
    },
    { name: 'a missing file', argv: ['--config', '/none/b.yaml'], says: '/none/b.yaml cannot be read' },
  ]) {
    it(`names the remedy for ${name}`, async () => {
      await expect(load(argv, env)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(says),
      });
    });
  }

  for (const { name, text, says } of [
    { name: 'broken YAML', text: 'http: [', says: 'is not YAML' },
    { name: 'a list', text: '- a', says: 'must be a map of keys, not a list' },
    { name: 'an unknown key', text: 'adaptors: []', says: 'adaptors: unknown field (did you mean "adapters"?)' },
    {
      name: 'an unknown key inside',
      text: 'push: { quietms: 1 }',
      says: 'push.quietms: unknown field (did you mean "quietMs"?)',
    },
    { name: 'a wrong address', text: 'xds: { plaintext: 15010 }', says: 'xds.plaintext: must be host:port' },
    { name: 'TLS without a key', text: 'xds: { tls: { certFile: c.pem } }', says: 'xds.tls.keyFile: ' },
    {
      name: 'required client certificates without a CA',
      text: 'xds: { tls: { certFile: c.pem, keyFile: k.pem, requireClientCert: true } }',
      says: 'xds.tls.requireClientCert: needs clientCaFile',
    },
    { name: 'a wrong number', text: 'push: { maxMs: -1 }', says: 'push.maxMs: ' },
    {
      name: 'no connections at all',
      text: 'xds: { limits: { maxConnections: 0 } }',
      says: 'xds.limits.maxConnections: ',
    },
    {
      name: 'an age of centuries',
      text: 'xds: { limits: { maxConnectionAgeSeconds: 9999999999 } }',
      says: 'xds.limits.maxConnectionAgeSeconds: must be a year at most',
    },
    {
      name: 'a message limit above the memory of a connection',
      text: 'xds: { limits: { maxMessageBytes: 16777216 } }',
      says: 'xds.limits.maxHeldBytesPerConnection: is 16777216, but a message of maxMessageBytes (16777216) holds up to 33554432 bytes while it is decompressed: raise this to 33554432 at least, or lower maxMessageBytes',
    },
    {
      name: 'a limit per address below one message',
      text: 'xds: { limits: { maxHeldBytesPerPeer: 8388607 } }',
      says: 'xds.limits.maxHeldBytesPerPeer: is 8388607, but a message of maxMessageBytes (4194304)',
    },
    { name: 'an unknown store', text: 'store: { type: redis }', says: 'store.type: ' },
    { name: 'an adapter without a type', text: 'adapters: [{ path: a }]', says: 'adapters[0].type: ' },
    {
      name: 'two adapters of one name',
      text: 'adapters: [{ type: file, path: a }, { type: file, path: b }]',
      says: 'two are named "file"',
    },
    {
      name: 'a wrong mesh configuration',
      text: 'mesh: { outboundTrafficPolicy: { mode: REGISTRY_OMLY } }',
      says: 'mesh.outboundTrafficPolicy.mode: must be one of ALLOW_ANY, REGISTRY_ONLY (did you mean "REGISTRY_ONLY"?)',
    },
  ]) {
    it(`names the file and the key of ${name}`, async () => {
      const loading = withFile(text);
      await expect(loading).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(says) });
    });
  }

  it('reads the short form of the authentication of sidecars', async () => {
    const config = await withFile('xds: { auth: kubernetes }');
    expect(config.xds.auth).toEqual({
      kubeconfig: null,
      context: null,
      audiences: ['binnacle', 'istio-ca'],
      allowTokensWithoutPod: false,
    });
    expect((await load([], {})).xds.auth).toBeNull();
  });

  it('rejects tokens without TLS from other machines, unless it is allowed explicitly', async () => {
    await expect(withFile('xds: { auth: kubernetes, plaintext: "0.0.0.0:15010" }')).rejects.toThrow(
      /tokens would come in without TLS at 0\.0\.0\.0:15010.*xds\.auth\.allowPlaintext/,
    );
    const told = '{ auth: { type: kubernetes, allowPlaintext: true }, plaintext: "0.0.0.0:15010" }';
    expect((await withFile(`xds: ${told}`)).xds.plaintext.host).toBe('0.0.0.0');
  });
});
