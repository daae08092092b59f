import { readProvider } from '../../../src/dubbo/provider.ts';
import { parseServiceUrl } from '../../../src/dubbo/url.ts';
import type { NodeChange, NodeInterest } from '../tree/mirror.ts';
import { below, type Layout, type LayoutContext, originOf } from './layout.ts';
import { type ProviderNaming, providerEntries } from './provider-entries.ts';

export interface DubboInterfaceSettings extends ProviderNaming {
  /** Dubbo's root, `/dubbo` by default. */
  readonly root: string;
}

/** Folders of the root that are no interfaces. */
const notInterfaces = ['config', 'mapping', 'metadata'];

/** Dubbo's interface level: `/dubbo/<interface>/providers/<URL>`. The data of these nodes say nothing. */
export function dubboInterfaces(settings: DubboInterfaceSettings, context: LayoutContext): Layout {
  const root = below(context.chroot, settings.root);

  function apply(change: NodeChange): void {
    const [iface = '', , url] = change.names;
    const folder = `${root}/${iface}`;
    if (url === undefined) {
      if (change.type === 'removed' && change.names.length === 1) context.catalog.removeFolder(folder);
      return;
    }
    const origin = originOf(root, change.names);
    const source = [root, ...change.names].join('/');
    if (change.type === 'removed') {
      context.catalog.remove(source);
      context.report(origin, null);
      return;
    }
    const entries = readEntries(url, settings);
    context.report(origin, typeof entries === 'string' ? entries : null);
    if (typeof entries !== 'string') context.catalog.put(source, folder, entries);
  }

  return { trees: [{ root, interestIn, apply }] };
}

function interestIn([iface = '', category, url, ...deeper]: readonly string[]): NodeInterest {
  if (notInterfaces.includes(iface) || deeper.length > 0) return null;
  if (category === undefined) return 'children';
  if (category !== 'providers') return null;
  return url === undefined ? 'children' : 'existence';
}

/** Protocols of nodes that are no providers, though they stand among them. */
const noProviders = ['empty', 'consumer', 'injvm'];

/** Returns the entries of a provider's URL, or what is wrong with it. */
function readEntries(text: string, settings: DubboInterfaceSettings) {
  const url = parseServiceUrl(text);
  if (!url.ok) return url.error;
  if (noProviders.includes(url.value.protocol)) return [];
  const provider = readProvider(url.value);
  if (!provider.ok) return provider.error;
  const entries = providerEntries(provider.value, settings);
  return entries.ok ? entries.value : entries.error;
}
