import { z } from 'zod';
import { formatHostname, type HostnameTemplate } from '../../../src/dubbo/hostname-template.ts';
import { withOwnName } from '../../../src/dubbo/identity.ts';
import { err, ok, type Result } from '../../../src/lib/result.ts';
import type { ServicePort } from '../../../src/model/service.ts';
import type { CatalogEntry } from '../catalog.ts';
import type { NodeChange, NodeInterest } from '../tree/mirror.ts';
import { applyInstanceNode, below, type Layout, type LayoutContext } from './layout.ts';

export interface CuratorSettings {
  /** Base path that the applications give to Curator's ServiceDiscovery. */
  readonly root: string;
  /** Template with `{name}`. */
  readonly template: HostnameTemplate;
  /** Hostnames of single services, by name. */
  readonly names: Readonly<Record<string, string>>;
  /** Port that clients call. */
  readonly port: Pick<ServicePort, 'number' | 'protocol'>;
}

/** Instance as Curator's JsonInstanceSerializer writes it, as far as it is read. */
const instanceSchema = z.object({
  name: z.string(),
  address: z.string(),
  port: z.number().int().min(1).max(65_535).nullish(),
  sslPort: z.number().int().min(1).max(65_535).nullish(),
  enabled: z.boolean().nullish(),
  payload: z.unknown().optional(),
});

export type CuratorInstance = z.infer<typeof instanceSchema>;

/** Curator's service discovery: `<base>/<name>/<id>` with JSON as data. */
export function curator(settings: CuratorSettings, context: LayoutContext): Layout {
  const root = below(context.chroot, settings.root);

  function apply(change: NodeChange): void {
    const [name = '', id] = change.names;
    const folder = `${root}/${name}`;
    if (id === undefined) {
      if (change.type === 'removed') context.catalog.removeFolder(folder);
      return;
    }
    applyInstanceNode({ change, root, folder }, context, (data, place) =>
      entriesOf({ name, id, place }, data, settings),
    );
  }

  return { trees: [{ root, interestIn, apply }] };
}

const interestIn = ({ length }: readonly string[]): NodeInterest =>
  length === 1 ? 'children' : length === 2 ? 'data' : null;

/** Reads the JSON of an instance. */
export function readInstance(data: Buffer | null): Result<CuratorInstance, string> {
  try {
    const parsed = instanceSchema.safeParse(JSON.parse((data ?? '').toString()));
    if (parsed.success) return ok(parsed.data);
    const [issue] = parsed.error.issues;
    return err(`its ${issue?.path.join('.') || 'data'} is wrong: ${issue?.message}`);
  } catch {
    return err('its data are not JSON');
  }
}

function entriesOf(
  { name, id, place }: { readonly name: string; readonly id: string; readonly place: string },
  data: Buffer,
  { template, names, port }: CuratorSettings,
): Result<readonly CatalogEntry[], string> {
  const instance = readInstance(data);
  if (!instance.ok) return instance;
  const { address, port: plain, sslPort, enabled, payload } = instance.value;
  if (plain === null || plain === undefined) return err('it has no port');
  const host = withOwnName(formatHostname(template, { name }), Object.hasOwn(names, name) ? names[name] : undefined);
  if (!host.ok) return host;
  const secure = sslPort ?? null;
  const entry: CatalogEntry = {
    ...host.value,
    ports: [
      { name: port.protocol, ...port },
      ...(secure === null ? [] : [{ name: 'https', number: 443, protocol: 'https' } as const]),
    ],
    labels: { name },
    endpoint: {
      address,
      ports: { [port.protocol]: plain, ...(secure === null ? {} : { https: secure }) },
      labels: labelsIn(payload),
      weight: 1,
      locality: '',
      network: '',
      cluster: '',
      health: enabled === false ? 'unhealthy' : 'healthy',
      workload: null,
      origin: { place, instance: id },
    },
    provider: null,
  };
  return ok([entry]);
}

/** Returns the texts of `payload.metadata`, which Spring Cloud writes, and Dubbo. */
function labelsIn(payload: unknown): Readonly<Record<string, string>> {
  const metadata = payloadSchema.safeParse(payload);
  if (!metadata.success) return {};
  const labels = Object.entries(metadata.data.metadata).filter(
    (label): label is [string, string] => typeof label[1] === 'string' && label[1].length <= 63,
  );
  return Object.fromEntries(labels.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const payloadSchema = z.object({ metadata: z.record(z.string(), z.unknown()) });
