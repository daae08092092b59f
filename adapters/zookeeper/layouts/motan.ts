import { readProvider } from '../../../src/dubbo/provider.ts';
import { parseServiceUrl } from '../../../src/dubbo/url.ts';
import { ok, type Result } from '../../../src/lib/result.ts';
import type { CatalogEntry } from '../catalog.ts';
import type { NodeChange, NodeInterest } from '../tree/mirror.ts';
import { applyInstanceNode, below, type Layout, type LayoutContext } from './layout.ts';
import { type ProviderNaming, type ProviderPlace, providerEntries } from './provider-entries.ts';

export interface MotanSettings extends ProviderNaming {
  /** Motan's root, `/motan` by default. */
  readonly root: string;
}

/** Motan: `/motan/<group>/<interface>/server/<address:port>` with a URL as data. Only `server` has providers that are called. */
export function motan(settings: MotanSettings, context: LayoutContext): Layout {
  const root = below(context.chroot, settings.root);

  function apply(change: NodeChange): void {
    const [group = '', iface = '', , instance] = change.names;
    const folder = `${root}/${group}/${iface}`;
    if (instance === undefined) {
      if (change.type === 'removed' && change.names.length === 2) context.catalog.removeFolder(folder);
      return;
    }
    applyInstanceNode({ change, root, folder }, context, (data, place) =>
      readEntries({ group, iface, text: nodeText(data) }, { ...settings, place }),
    );
  }

  return { trees: [{ root, interestIn, apply }] };
}

function interestIn([, iface, state, instance, ...deeper]: readonly string[]): NodeInterest {
  if (iface === 'command' || deeper.length > 0) return null;
  if (state !== undefined && state !== 'server') return null;
  return instance === undefined ? 'children' : 'data';
}

/** Header of a serialized `java.lang.String` of fewer than 65,536 bytes, before its length. */
const javaString = Buffer.from([0xac, 0xed, 0x00, 0x05, 0x74]);

/** Returns the text of a node: a serialized Java string (`regProtocol="zookeeper"`), or UTF-8 (`regProtocol="zk"`). */
export function nodeText(data: Buffer): string {
  const isJava = data.length >= 7 && data.subarray(0, javaString.length).equals(javaString);
  return isJava ? data.toString('utf8', 7, 7 + data.readUInt16BE(5)) : data.toString('utf8');
}

/** The group and interface of the path count: they are what clients look for. */
function readEntries(
  node: { group: string; iface: string; text: string },
  settings: ProviderPlace,
): Result<readonly CatalogEntry[], string> {
  const url = parseServiceUrl(node.text);
  if (!url.ok) return url;
  const provider = readProvider(url.value);
  if (!provider.ok) return provider;
  const identity = { interface: node.iface, group: node.group, version: '' };
  const entries = providerEntries({ ...provider.value, identity }, settings);
  return entries.ok ? ok(entries.value.map((entry) => ({ ...entry, provider: null }))) : entries;
}
