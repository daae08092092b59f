import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from './failure.ts';

/** Facts of a pod from the downward API: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/ */
export interface Pod {
  readonly name: string;
  readonly namespace: string;
  /** All addresses, the primary one first. */
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string | null;
  readonly nodeName: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a pod. Labels come from the file `labels` of a volume. Other facts come from variables, the only form in which
 * the kubelet provides addresses. `name` and `namespace` may also be files of the volume. Throws CONFIG_INVALID that
 * says what to add to the pod.
 */
export async function readPod(folder: string, env: Environment): Promise<Pod> {
  const file = async (name: string) => (await readIfThere(join(folder, name)))?.trim() ?? null;
  const labels = await readIfThere(join(folder, 'labels'));
  if (labels === null) {
    throw usageError(
      `--pod ${folder}: there is no file "labels"; mount a downwardAPI volume with metadata.labels there`,
    );
  }
  const needed = (value: string | null | undefined, variable: string, field: string): string => {
    if (value) return value;
    throw usageError(`--pod needs the variable ${variable}; give it the pod's field ${field} (valueFrom.fieldRef)`);
  };
  const ips = needed(env.POD_IPS || env.POD_IP, 'POD_IPS', 'status.podIPs');
  return {
    name: needed(env.POD_NAME || (await file('name')), 'POD_NAME', 'metadata.name'),
    namespace: needed(env.POD_NAMESPACE || (await file('namespace')), 'POD_NAMESPACE', 'metadata.namespace'),
    ips: ips.split(',').map((ip) => ip.trim()),
    labels: parseLabels(labels, join(folder, 'labels')),
    serviceAccount: env.SERVICE_ACCOUNT || null,
    nodeName: env.NODE_NAME || null,
  };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw usageError(`${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`);
  }
}

/** Parses one label per line: `key="value"`. Values of labels have no character that JSON and Go quote differently. */
function parseLabels(text: string, path: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const [, key, value] = /^([^=\s]+)="([-A-Za-z0-9_.]*)"$/.exec(line) ?? [];
      if (key === undefined || value === undefined) throw usageError(`${path}: "${line}" is no key="value"`);
      return [key, value];
    }),
  );
}

/** Returns the name of the pod's program from its labels. */
export const applicationOf = ({ labels, name }: Pod): string =>
  labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? name;

/**
 * Returns `region/zone/subzone` from the pod's labels; empty without them. Kubernetes copies the first two from the
 * node: https://kubernetes.io/docs/reference/labels-annotations-taints/
 */
export function localityOf({ labels }: Pod): string {
  const places = [
    labels['topology.kubernetes.io/region'],
    labels['topology.kubernetes.io/zone'],
    labels['topology.istio.io/subzone'],
  ];
  if (places.every((place) => place === undefined)) return (labels['istio-locality'] ?? '').replaceAll('.', '/');
  return places
    .map((place) => place ?? '')
    .join('/')
    .replace(/\/+$/, '');
}
