import { readProvider } from '../../../src/dubbo/provider.ts';
import { parseServiceUrl } from '../../../src/dubbo/url.ts';
import type { NodeChange, NodeInterest } from '../tree/mirror.ts';
import { below, type Layout, type LayoutContext, originOf } from './layout.ts';
import { type ProviderNaming, providerEntries } from './provider-entries.ts';

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
    const origin = originOf(root, change.names);
    if (change.type === 'removed') {
      context.catalog.remove(origin);
      context.report(origin, null);
      return;
    }
    const entries = readEntries({ group, iface, text: nodeText(change.data ?? Buffer.alloc(0)) }, settings);
    context.report(origin, typeof entries === 'string' ? entries : null);
    if (typeof entries !== 'string') context.catalog.put(origin, folder, entries);
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
function readEntries(node: { group: string; iface: string; text: string }, settings: MotanSettings) {
  const url = parseServiceUrl(node.text);
  if (!url.ok) return url.error;
  const provider = readProvider(url.value);
  if (!provider.ok) return provider.error;
  const identity = { interface: node.iface, group: node.group, version: '' };
  const entries = providerEntries({ ...provider.value, identity }, settings);
  return entries.ok ? entries.value : entries.error;
}
