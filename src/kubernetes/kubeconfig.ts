import { isAbsolute, join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { fieldPath } from '../lib/field-path.ts';
import { err, ok, type Result } from '../lib/result.ts';

/*
 * The parts of a kubeconfig that are read:
 * https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
const text = z.string().nullish();

const clusterSchema = z.object({
  server: z.string().min(1),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
});

const execSchema = z.object({
  apiVersion: z.string(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: text,
  provideClusterInfo: z.boolean().nullish(),
});

const userSchema = z.object({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  username: text,
  password: text,
  as: text,
  'as-groups': z.array(z.string()).nullish(),
  exec: execSchema.nullish(),
  'auth-provider': z.object({ name: z.string() }).nullish(),
});

const kubeconfigSchema = z.object({
  clusters: z.array(z.object({ name: z.string(), cluster: clusterSchema })).nullish(),
  users: z.array(z.object({ name: z.string(), user: userSchema })).nullish(),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: text }) })).nullish(),
  'current-context': text,
});

/** Contents, or the absolute path of the file that has them; null for none. */
export type Material =
  | { readonly type: 'data'; readonly data: string }
  | { readonly type: 'file'; readonly path: string }
  | null;

/** Command that prints credentials: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/ */
export interface ExecCommand {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint: string | null;
  readonly provideClusterInfo: boolean;
}

/** Address of one apiserver and the ways to authenticate there. */
export interface ClusterAccess {
  /** Base URL without a trailing slash. */
  readonly server: string;
  readonly ca: Material;
  readonly skipTlsVerify: boolean;
  readonly tlsServerName: string | null;
  readonly token: Material;
  readonly clientCert: Material;
  readonly clientKey: Material;
  readonly basic: { readonly username: string; readonly password: string } | null;
  readonly exec: ExecCommand | null;
  readonly impersonate: { readonly user: string; readonly groups: readonly string[] } | null;
}

export interface KubeconfigOptions {
  /** Name of a context; the file's current one by default. */
  readonly context?: string | undefined;
  /** Directory of relative paths. Null for a kubeconfig of a Secret, which may neither name files nor run commands. */
  readonly directory: string | null;
}

/** Reads one context of a kubeconfig, in YAML or JSON. The error names the field. */
export function parseKubeconfig(source: string, options: KubeconfigOptions): Result<ClusterAccess, string> {
  const document = parseDocument(source);
  const [mistake] = document.errors;
  if (mistake !== undefined) return err(`is not YAML: ${mistake.message.split('\n')[0]}`);
  const parsed = kubeconfigSchema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (!parsed.success) {
    return err(parsed.error.issues.map(({ path, message }) => `${fieldPath('', path)}: ${message}`).join('; '));
  }
  const { clusters, users, contexts, 'current-context': current } = parsed.data;
  const name = options.context ?? current ?? '';
  const context = contexts?.find((one) => one.name === name)?.context;
  if (context === undefined) return err(`has no context '${name}'`);
  const cluster = clusters?.find((one) => one.name === context.cluster)?.cluster;
  if (cluster === undefined) return err(`has no cluster '${context.cluster}', which context '${name}' names`);
  const user = context.user ? users?.find((one) => one.name === context.user)?.user : {};
  if (user === undefined) return err(`has no user '${context.user}', which context '${name}' names`);
  return accessOf(cluster, user, options.directory);
}

type Cluster = z.infer<typeof clusterSchema>;
type User = z.infer<typeof userSchema>;

function accessOf(cluster: Cluster, user: User, directory: string | null): Result<ClusterAccess, string> {
  const fault = faultOf(cluster, user, directory);
  if (fault !== null) return err(fault);
  const at = (path: string | null | undefined): Material =>
    path ? { type: 'file', path: isAbsolute(path) ? path : join(directory ?? '', path) } : null;
  const inlined = (data: string | null | undefined): Material =>
    data ? { type: 'data', data: Buffer.from(data, 'base64').toString() } : null;
  return ok({
    server: cluster.server.replace(/\/+$/, ''),
    ca: inlined(cluster['certificate-authority-data']) ?? at(cluster['certificate-authority']),
    skipTlsVerify: cluster['insecure-skip-tls-verify'] ?? false,
    tlsServerName: cluster['tls-server-name'] ?? null,
    token: at(user.tokenFile) ?? (user.token ? { type: 'data', data: user.token } : null),
    clientCert: inlined(user['client-certificate-data']) ?? at(user['client-certificate']),
    clientKey: inlined(user['client-key-data']) ?? at(user['client-key']),
    basic: user.username ? { username: user.username, password: user.password ?? '' } : null,
    exec: user.exec ? execOf(user.exec, directory) : null,
    impersonate: user.as ? { user: user.as, groups: user['as-groups'] ?? [] } : null,
  });
}

/** Returns the reason why an access cannot be used, or null. */
function faultOf(cluster: Cluster, user: User, directory: string | null): string | null {
  const url = URL.parse(cluster.server);
  if (url === null || !/^https?:$/.test(url.protocol)) return `server: '${cluster.server}' is not an https URL`;
  if (cluster['proxy-url']) return 'proxy-url: proxies are not supported; name the server directly';
  if (user['auth-provider']) {
    return `auth-provider: '${user['auth-provider'].name}' is not supported, as in kubectl; use its exec plugin`;
  }
  if (directory !== null) return null;
  if (user.exec) return 'exec: a kubeconfig in a Secret may not run commands; use a token or a client certificate';
  const named = [cluster['certificate-authority'], user['client-certificate'], user['client-key'], user.tokenFile];
  const file = named.find((path) => path);
  return file ? `'${file}': a kubeconfig in a Secret may not name files; put their contents into it` : null;
}

const execOf = (exec: z.infer<typeof execSchema>, directory: string | null): ExecCommand => ({
  apiVersion: exec.apiVersion,
  // A command with a slash is relative to the kubeconfig, as in kubectl; others are found in PATH.
  command: exec.command.includes('/') && !isAbsolute(exec.command) ? join(directory ?? '', exec.command) : exec.command,
  args: exec.args ?? [],
  env: Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
  installHint: exec.installHint ?? null,
  provideClusterInfo: exec.provideClusterInfo ?? false,
});

const accountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Access of a Pod through its service account; null outside a cluster. */
export function inClusterAccess(env: NodeJS.ProcessEnv, directory: string = accountDirectory): ClusterAccess | null {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port) return null;
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: { type: 'file', path: join(directory, 'ca.crt') },
    skipTlsVerify: false,
    tlsServerName: null,
    token: { type: 'file', path: join(directory, 'token') },
    clientCert: null,
    clientKey: null,
    basic: null,
    exec: null,
    impersonate: null,
  };
}
