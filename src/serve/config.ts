import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { MeshError } from '../lib/errors.ts';
import { isLoopback } from '../lib/ip.ts';
import type { ClientLimits } from '../push/client-limits.ts';
import type { ClientStatusAccess } from '../push/client-status/access.ts';
import { type Limits, ratePerSecond } from '../rpc/limits.ts';
import type { MeshConfig } from '../rules/mesh-config.ts';
import type { Problem } from '../rules/rule.ts';
import { schemaProblems } from '../rules/validation/schema-problems.ts';
import { isRecord, nameOfType } from '../rules/validation/validate.ts';
import type { TlsFiles } from '../security/tls-files.ts';
import type { NodeLimits } from '../xds/wire/node-limits.ts';
import { type Address, addressSchema } from './config-fields.ts';
import { type ConfigFile, configFileSchema, type LogLevel, logLevels } from './config-schema.ts';

/** Entry of `adapters`. */
export interface AdapterConfig {
  readonly type: string;
  /** Unique name; the type by default. */
  readonly name: string;
  /** True if readiness waits for it unless it has a snapshot. */
  readonly required: boolean;
  readonly syncTimeoutSeconds: number;
  /** Other keys, for the adapter's own schema. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** xDS over TLS. */
export interface XdsTlsConfig {
  readonly address: Address;
  readonly certFile: string;
  readonly keyFile: string;
  /** CAs of client certificates; null to request no certificate. */
  readonly clientCaFile: string | null;
  readonly requireClientCert: boolean;
}

/** Authentication of xDS clients by service account tokens. */
export interface XdsAuthConfig {
  /** Kubeconfig; null for the cluster of this process. */
  readonly kubeconfig: string | null;
  /** Context; null for the current one of the kubeconfig. */
  readonly context: string | null;
  readonly audiences: readonly string[];
  readonly allowTokensWithoutPod: boolean;
}

/** HTTP server and its security. */
export interface HttpConfig {
  readonly address: Address;
  readonly allowedHosts: readonly string[];
  /** Certificates; null for plain HTTP. */
  readonly tls: TlsFiles | null;
  /** Access file; null without authentication. */
  readonly accessFile: string | null;
}

/** Validating webhook. */
export interface WebhookConfig {
  readonly address: Address;
  readonly tls: TlsFiles;
}

/** Rules store in a cluster. */
export interface KubernetesStoreConfig {
  readonly type: 'kubernetes';
  /** Null: the cluster around this process. */
  readonly kubeconfig: string | null;
  /** Null: the current one of the kubeconfig. */
  readonly context: string | null;
  readonly syncTimeoutSeconds: number;
  readonly reconcileSeconds: number;
  /** Whether the elected replica writes the status of rules. */
  readonly status: boolean;
  /** Null: the namespace of the Pod, else `default`. */
  readonly leaseNamespace: string | null;
}

export type StoreConfig =
  | { readonly type: 'sqlite'; readonly path: string }
  | { readonly type: 'memory' }
  | KubernetesStoreConfig;

/** Flags, environment and file, merged and checked: all that `serve` is told. */
export interface ServeConfig {
  readonly http: HttpConfig;
  /** `tls` and `auth` are null when they are not configured. */
  readonly xds: {
    readonly plaintext: Address;
    readonly tls: XdsTlsConfig | null;
    readonly auth: XdsAuthConfig | null;
    /** Limits of src/rpc that have a key. */
    readonly limits: Partial<Limits>;
    readonly nodeLimits: NodeLimits;
    readonly clientStatus: ClientStatusAccess;
    readonly clientLimits: ClientLimits;
  };
  readonly store: StoreConfig;
  /** Null: there is none. */
  readonly webhook: WebhookConfig | null;
  readonly adapters: readonly AdapterConfig[];
  /** Services of other adapters that instances may join: `namespace/host`. */
  readonly registration: {
    readonly allow: readonly string[];
    readonly workloads: 'verified' | 'any';
    readonly graceSeconds: number;
  };
  /** Services that have the endpoints of one adapter only: `namespace/host`. */
  readonly merging: { readonly oneAdapterOnly: readonly string[] };
  readonly mesh: MeshConfig;
  /** Last part of Kubernetes hostnames. */
  readonly domainSuffix: string;
  readonly push: { readonly endpointQuietMs: number; readonly quietMs: number; readonly maxMs: number };
  readonly dataDir: string;
  readonly logLevel: LogLevel;
}

/** Values of command line flags by name; a switch has none. */
type GivenFlags = Readonly<Record<string, readonly string[] | undefined>>;

type Environment = Readonly<Record<string, string | undefined>>;

/** Value of a flag or an environment variable, with its name for errors. */
interface Given {
  readonly text: string;
  readonly name: string;
}

/**
 * Loads the configuration of `binnacle serve`. Flags override the environment, which overrides the file and its
 * defaults. Rejects with CONFIG_INVALID that names the flag, or the file and key, and the allowed values. Paths are
 * relative to the working directory.
 */
export async function loadServeConfig(flags: GivenFlags, env: Environment): Promise<ServeConfig> {
  const given = (name: string): Given | null => {
    const variable = environmentName(name);
    const fromFlag = flags[name]?.[0];
    if (fromFlag !== undefined) return { text: fromFlag, name: `--${name}` };
    const fromEnvironment = env[variable];
    return fromEnvironment === undefined || fromEnvironment === '' ? null : { text: fromEnvironment, name: variable };
  };
  const address = (name: string): Address | null => readAddress(given(name));

  const file = await readConfigFile(given('config'));
  const dataDir = given('data-dir')?.text ?? file.dataDir;
  const plaintext = address('xds') ?? file.xds.plaintext;
  return {
    http: httpOf(file.http, {
      address: address('http'),
      accessFile: given('access-file'),
      insecure: given('insecure'),
    }),
    xds: {
      plaintext,
      tls: xdsTls(file, given('xds-tls')),
      auth: xdsAuth(file, plaintext),
      limits: xdsLimits(file),
      nodeLimits: nodeLimits(file),
      clientStatus: file.xds.clientStatus,
      clientLimits: clientLimits(file),
    },
    store: storeOf(file, dataDir),
    webhook: webhookOf(file),
    adapters: adaptersOf(file, given('mesh-dir')),
    registration: file.registration,
    merging: file.merging,
    mesh: file.mesh,
    domainSuffix: file.domainSuffix,
    push: file.push,
    dataDir,
    logLevel: readLogLevel(given('log-level')) ?? file.logLevel,
  };
}

/** `--data-dir` → `BINNACLE_DATA_DIR`. */
export const environmentName = (flag: string): string => `BINNACLE_${flag.toUpperCase().replaceAll('-', '_')}`;

function readAddress(given: Given | null): Address | null {
  if (given === null) return null;
  const parsed = addressSchema.safeParse(given.text);
  if (parsed.success) return parsed.data;
  throw wrong(`${given.name} ${parsed.error.issues[0]?.message ?? 'is no address'}`);
}

function httpOf(
  { address, allowedHosts, tls, accessFile, insecure }: ConfigFile['http'],
  given: { readonly address: Address | null; readonly accessFile: Given | null; readonly insecure: Given | null },
): HttpConfig {
  const http: HttpConfig = {
    address: given.address ?? address,
    allowedHosts,
    tls: tls === undefined ? null : { ...tls, clientCaFile: tls.clientCaFile ?? null },
    accessFile: given.accessFile?.text ?? accessFile ?? null,
  };
  if (http.tls?.clientCaFile && http.accessFile === null) {
    throw wrong(
      'http.tls.clientCaFile needs an access file (--access-file): it says who may do what with which certificate',
    );
  }
  const isProtected = http.accessFile !== null || isLoopback(http.address.host);
  if (isProtected || (readSwitch(given.insecure) ?? insecure)) return http;
  throw wrong(
    `HTTP on ${addressText(http.address)} is for other machines too, and anybody there could change rules: name an access file with tokens and roles (--access-file FILE), or listen on 127.0.0.1 (--http), or say that it is meant (--insecure)`,
  );
}

const addressText = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Reads a switch. A flag has no value, an environment variable has one. */
function readSwitch(given: Given | null): boolean | null {
  if (given === null) return null;
  if (['', '1', 'true'].includes(given.text)) return true;
  if (['0', 'false'].includes(given.text)) return false;
  throw wrong(`${given.name} must be true or false, not "${given.text}"`);
}

function xdsTls({ xds: { tls } }: ConfigFile, flag: Given | null): XdsTlsConfig | null {
  const address = readAddress(flag);
  if (tls === undefined) {
    if (flag === null) return null;
    throw wrong(
      `${flag.name} needs certificates: give xds.tls.certFile and xds.tls.keyFile in binnacle.yaml (--config)`,
    );
  }
  const { clientCaFile = null, requireClientCert = clientCaFile !== null } = tls;
  return { ...tls, address: address ?? tls.address, clientCaFile, requireClientCert };
}

/**
 * Reads `xds.auth`. Tokens are secrets: without TLS they are accepted on loopback only, unless the file allows more.
 */
function xdsAuth({ xds: { auth } }: ConfigFile, plaintext: Address): XdsAuthConfig | null {
  if (auth === undefined) return null;
  const { kubeconfig = null, context = null, audiences, allowPlaintext, allowTokensWithoutPod } = auth;
  if (!allowPlaintext && !isLoopback(plaintext.host)) {
    throw wrong(
      `xds.auth: tokens would come in without TLS at ${addressText(plaintext)}, and who reads the traffic can use them: let xds.plaintext (--xds) listen on 127.0.0.1 and serve sidecars by xds.tls, or set xds.auth.allowPlaintext where another proxy encrypts`,
    );
  }
  return { kubeconfig, context, audiences, allowTokensWithoutPod };
}

const xdsLimits = ({ xds: { limits } }: ConfigFile): ServeConfig['xds']['limits'] => ({
  maxConnections: limits.maxConnections,
  maxConnectionsPerPeer: limits.maxConnectionsPerPeer,
  maxConcurrentStreams: limits.maxStreamsPerConnection,
  maxStreams: limits.maxStreams,
  maxStreamsPerPeer: limits.maxStreamsPerPeer,
  callsPerPeer: ratePerSecond(limits.maxCallsPerSecondPerPeer),
  requestsPerPeer: ratePerSecond(limits.maxRequestsPerSecondPerPeer),
  logLinesPerPeer: ratePerSecond(limits.maxLogLinesPerSecondPerPeer),
  maxReceiveBytes: limits.maxMessageBytes,
  maxHeldBytes: limits.maxHeldBytes,
  maxHeldBytesPerPeer: limits.maxHeldBytesPerPeer,
  maxHeldBytesPerConnection: limits.maxHeldBytesPerConnection,
  requestTimeoutMs: limits.requestTimeoutSeconds * 1_000,
  maxConnectionAgeMs: limits.maxConnectionAgeSeconds === undefined ? null : limits.maxConnectionAgeSeconds * 1_000,
  maxConnectionAgeGraceMs: limits.maxConnectionAgeGraceSeconds * 1_000,
  keepaliveIntervalMs: limits.keepaliveIntervalSeconds * 1_000,
  keepaliveTimeoutMs: limits.keepaliveTimeoutSeconds * 1_000,
  drainTimeoutMs: limits.drainTimeoutSeconds * 1_000,
});

const nodeLimits = ({ xds: { limits } }: ConfigFile): NodeLimits => ({
  maxNodeLabels: limits.maxNodeLabels,
  maxNodeFieldBytes: limits.maxNodeFieldBytes,
  maxNodeBytes: limits.maxNodeBytes,
});

const clientLimits = ({ xds: { limits } }: ConfigFile): ClientLimits => ({
  maxNamesPerType: limits.maxNamesPerType,
  maxScopesPerPeer: limits.maxScopesPerPeer,
});

function readLogLevel(given: Given | null): LogLevel | null {
  if (given === null) return null;
  const level = logLevels.find((one) => one === given.text);
  if (level === undefined) throw wrong(`${given.name} must be one of ${logLevels.join(', ')}, not "${given.text}"`);
  return level;
}

async function readConfigFile(given: Given | null): Promise<ConfigFile> {
  if (given === null) return configFileSchema.parse({});
  const path = given.text;
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MeshError('CONFIG_INVALID', `${path} cannot be read (${why}): correct ${given.name}`, { cause });
  });
  const content = parseYaml(path, text);
  const parsed = configFileSchema.safeParse(content, { reportInput: true });
  if (!parsed.success) throw wrong(`${path}: ${oneLine(schemaProblems(configFileSchema, parsed.error, ''))}`);
  return parsed.data;
}

function parseYaml(path: string, text: string): Record<string, unknown> {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw wrong(`${path} is not YAML: ${error.message.split('\n', 1)[0]?.replace(/:$/, '')}`);
  const content: unknown = document.toJS() ?? {};
  if (!isRecord(content)) throw wrong(`${path} must be a map of keys, not ${nameOfType(content)}`);
  return content;
}

function storeOf({ store }: ConfigFile, dataDir: string): StoreConfig {
  switch (store.type) {
    case 'sqlite':
      return { type: 'sqlite', path: store.path ?? join(dataDir, 'rules.db') };
    case 'kubernetes':
      return {
        ...store,
        kubeconfig: store.kubeconfig ?? null,
        context: store.context ?? null,
        leaseNamespace: store.leaseNamespace ?? null,
      };
    default:
      return store;
  }
}

function webhookOf({ webhook }: ConfigFile): WebhookConfig | null {
  if (webhook === undefined) return null;
  const { address, certFile, keyFile, clientCaFile = null } = webhook;
  return { address, tls: { certFile, keyFile, clientCaFile } };
}

/** Rules of the cluster that is the store come from the store, and need not be read twice. */
function withRulesOnce(options: Readonly<Record<string, unknown>>, { store }: ConfigFile) {
  if (store.type !== 'kubernetes' || options.rules !== undefined) return options;
  const isStore = options.kubeconfig === store.kubeconfig && options.context === store.context;
  return isStore ? { ...options, rules: false } : options;
}

function adaptersOf(file: ConfigFile, meshDir: Given | null): readonly AdapterConfig[] {
  const all = file.adapters.map(({ type, name = type, required, syncTimeoutSeconds, ...options }) => ({
    type,
    name,
    required,
    syncTimeoutSeconds,
    options: type === 'kubernetes' ? withRulesOnce(options, file) : options,
  }));
  if (meshDir !== null) {
    const options = { path: meshDir.text };
    all.push({ type: 'file', name: 'mesh-dir', required: true, syncTimeoutSeconds: 30, options });
  }
  const twice = all.find((one, index) => all.findIndex(({ name }) => name === one.name) < index);
  if (twice === undefined) return all;
  throw wrong(`adapters: two are named "${twice.name}": give each a "name" of its own`);
}

const oneLine = (problems: readonly Problem[]): string =>
  problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');

const wrong = (message: string): MeshError => new MeshError('CONFIG_INVALID', message);
