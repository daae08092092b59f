import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { stringify } from 'yaml';
import { type Address, addressSchema } from '../serve/config-fields.ts';
import { envoyBootstrap, grpcBootstrap, type SidecarNode, type XdsTls } from './bootstrap-documents.ts';
import type { Command } from './command.ts';
import { usageError } from './failure.ts';
import { type Flag, type FlagValues, flagHelp, flagText, parseFlags } from './flags.ts';
import { applicationOf, localityOf, type Pod, readPod } from './pod.ts';

const flags: readonly Flag[] = [
  { name: 'kind', value: 'envoy|grpc', about: 'the program to configure (envoy)' },
  { name: 'pod', value: 'DIR', about: 'be the pod of this downward API volume; other flags come before what it says' },
  { name: 'id', value: 'NAME', about: "the workload's name, or a whole node id (sidecar~ip~name.ns~domain)" },
  { name: 'namespace', value: 'NAMESPACE', about: 'the namespace of the workload (default)' },
  { name: 'ip', value: 'IP', about: 'an address of the workload (127.0.0.1); again for each further one', many: true },
  { name: 'label', value: 'KEY=VALUE', about: 'a label of the workload; may be repeated', many: true },
  { name: 'cluster', value: 'NAME', about: "the node's cluster, as Envoy means it (the workload's name)" },
  { name: 'locality', value: 'REGION/ZONE/SUBZONE', about: 'where the workload runs; tails may be left out' },
  { name: 'cluster-id', value: 'NAME', about: "the name of the workload's Kubernetes cluster" },
  { name: 'network', value: 'NAME', about: 'the network that the workload is in' },
  { name: 'xds', value: 'HOST:PORT', about: 'where binnacle serves xDS (127.0.0.1:15010; 15012 with --tls)' },
  { name: 'tls', value: null, about: 'xDS over TLS; needs --ca' },
  { name: 'ca', value: 'FILE', about: "the CA of binnacle's certificate, on the machine of the sidecar" },
  { name: 'cert', value: 'FILE', about: "the sidecar's own certificate, for mutual TLS" },
  { name: 'key', value: 'FILE', about: 'the key of --cert' },
  { name: 'server-name', value: 'NAME', about: "the name in binnacle's certificate (the host of --xds)" },
  { name: 'admin-port', value: 'PORT', about: "Envoy's admin interface, on 127.0.0.1 (15000)" },
  { name: 'mode', value: 'none|redirect|tproxy', about: 'how the kernel brings the traffic (redirect)' },
  { name: 'delta', value: null, about: 'incremental xDS (what Envoy gets unless --sotw)' },
  { name: 'sotw', value: null, about: 'state-of-the-world xDS' },
  { name: 'out', value: 'FILE', about: 'write to a file, for containers without a shell' },
  { name: 'help', value: null, about: 'this text' },
];

const help = `usage: binnacle bootstrap [flags] > bootstrap.yaml

Prints the bootstrap of a sidecar: YAML for Envoy (envoy -c bootstrap.yaml), JSON for gRPC (GRPC_XDS_BOOTSTRAP).

${flagHelp(flags)}
`;

export const bootstrapCommand: Command = {
  name: 'bootstrap',
  summary: "print a sidecar's bootstrap configuration",
  help,
  async run(argv, { print, env }) {
    const given = parseFlags(argv, flags);
    const folder = flagText(given, 'pod');
    const pod = folder === null ? null : await readPod(folder, env);
    const values = pod === null ? given : { ...flagsOf(pod), ...given, label: labelsOf(pod, given) };
    const sidecar = sidecarOf(values, pod);
    const kind = choice(values, 'kind', ['envoy', 'grpc']);
    if (kind === 'grpc' && values['server-name'] !== undefined) {
      throw usageError(
        '--server-name: gRPC checks the certificate against the host of --xds; call the server by its name',
      );
    }
    const document =
      kind === 'grpc'
        ? `${JSON.stringify(grpcBootstrap(sidecar), null, 2)}\n`
        : stringify(envoyBootstrap({ ...sidecar, adminPort: adminPort(values), delta: wantsDelta(values) }));
    const file = flagText(values, 'out');
    if (file === null) print(document);
    else await writeFile(file, document);
  },
};

/** Flags that describe a pod. */
const flagsOf = (pod: Pod): FlagValues => ({
  id: [pod.name],
  namespace: [pod.namespace],
  ip: pod.ips,
  cluster: [`${applicationOf(pod)}.${pod.namespace}`],
  locality: [localityOf(pod)],
});

/** Labels of flags come last, and so take precedence. */
const labelsOf = ({ labels }: Pod, { label = [] }: FlagValues): readonly string[] => [
  ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
  ...label,
];

function sidecarOf(values: FlagValues, pod: Pod | null): SidecarNode {
  const namespace = flagText(values, 'namespace') ?? 'default';
  const given = addresses(values);
  const id = flagText(values, 'id') ?? 'sidecar';
  const [, ip = given[0] ?? '127.0.0.1', workload = `${id}.${namespace}`] = id.includes('~') ? wholeId(id) : [];
  const ips = [...new Set([ip, ...given])];
  const xds = xdsAddress(values);
  const [region = '', zone = '', subZone = ''] = (flagText(values, 'locality') ?? '').split('/');
  return {
    id: id.includes('~') ? id : `sidecar~${ip}~${workload}~${namespace}.svc.cluster.local`,
    cluster: flagText(values, 'cluster') ?? workload,
    namespace: flagText(values, 'namespace') ?? workload.slice(workload.lastIndexOf('.') + 1),
    labels: Object.fromEntries((values.label ?? []).map(readLabel)),
    locality: { region, zone, subZone },
    interception: interceptions[choice(values, 'mode', ['redirect', 'none', 'tproxy'])],
    instanceIps: ips.length > 1 ? ips : [],
    metadata: metadataOf(values, pod),
    xds,
    tls: xdsTls(values, xds.host),
  };
}

/** Metadata that not every sidecar has, by Istio's names. */
function metadataOf(values: FlagValues, pod: Pod | null): Readonly<Record<string, string>> {
  const metadata = {
    NAME: pod?.name,
    SERVICE_ACCOUNT: pod?.serviceAccount,
    NODE_NAME: pod?.nodeName,
    CLUSTER_ID: flagText(values, 'cluster-id'),
    NETWORK: flagText(values, 'network') ?? pod?.labels['topology.istio.io/network'],
  };
  return Object.fromEntries(
    Object.entries(metadata).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]])),
  );
}

const interceptions = { redirect: 'REDIRECT', none: 'NONE', tproxy: 'TPROXY' } as const;

function addresses(values: FlagValues): readonly string[] {
  const given = values.ip ?? [];
  const other = given.find((ip) => isIP(ip) === 0);
  if (other !== undefined) throw usageError(`--ip must be an IP address, not "${other}"`);
  return given;
}

function wholeId(id: string): readonly string[] {
  const parts = id.split('~');
  const [role = '', ip = '', workload = '', domain = ''] = parts;
  const right = parts.length === 4 && (role === 'sidecar' || role === 'router') && isIP(ip) !== 0;
  if (right && /^[^.].*\.[^.]+$/.test(workload) && domain !== '') return parts;
  throw usageError(`--id with "~" must be sidecar~<ip>~<name>.<namespace>~<dns domain>, not "${id}"`);
}

function readLabel(given: string): readonly [string, string] {
  const equals = given.indexOf('=');
  if (equals < 1) throw usageError(`--label must be KEY=VALUE, not "${given}"`);
  return [given.slice(0, equals), given.slice(equals + 1)];
}

/** Flags that only apply with `--tls`. */
const tlsFlags = ['ca', 'cert', 'key', 'server-name'];

function xdsTls(values: FlagValues, host: string): XdsTls | null {
  const stray = values.tls === undefined ? tlsFlags.find((name) => values[name] !== undefined) : undefined;
  if (stray !== undefined) throw usageError(`--${stray} needs --tls`);
  if (values.tls === undefined) return null;
  const [caFile, certFile, keyFile] = ['ca', 'cert', 'key'].map((name) => flagText(values, name));
  if (!caFile) throw usageError('--tls needs --ca FILE, the CA that signed the certificate of binnacle');
  if (!certFile !== !keyFile) throw usageError('--cert and --key need each other');
  const client = certFile && keyFile ? { certFile, keyFile } : null;
  return { caFile, client, serverName: flagText(values, 'server-name') ?? host };
}

function xdsAddress(values: FlagValues): Address {
  const parsed = addressSchema.safeParse(
    flagText(values, 'xds') ?? `127.0.0.1:${values.tls === undefined ? 15_010 : 15_012}`,
  );
  if (parsed.success) return parsed.data;
  throw usageError(`--xds ${parsed.error.issues[0]?.message ?? 'is no address'}`);
}

function adminPort(values: FlagValues): number {
  const given = flagText(values, 'admin-port') ?? '15000';
  const port = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
  if (port <= 65_535) return port;
  throw usageError(`--admin-port must be a number from 0 to 65535, not "${given}"`);
}

function wantsDelta(values: FlagValues): boolean {
  if (values.delta !== undefined && values.sotw !== undefined)
    throw usageError('--delta and --sotw exclude each other');
  return values.sotw === undefined;
}

/** Reads a flag with a fixed set of values; the first is the default. */
function choice<T extends string>(values: FlagValues, name: string, choices: readonly [T, ...T[]]): T {
  const given = flagText(values, name) ?? choices[0];
  const chosen = choices.find((one) => one === given);
  if (chosen === undefined) throw usageError(`--${name} must be ${choices.join(' or ')}, not "${given}"`);
  return chosen;
}
