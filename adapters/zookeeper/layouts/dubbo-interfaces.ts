import { readProvider } from '../../../src/dubbo/provider.ts';
import { parseServiceUrl } from '../../../src/dubbo/url.ts';
import { ok, type Result } from '../../../src/lib/result.ts';
import type { CatalogEntry } from '../catalog.ts';
import type { NodeChange, NodeInterest } from '../tree/mirror.ts';
import { applyRuleNode, ruleFolders } from './dubbo-rules.ts';
import { applyInstanceNode, below, type Layout, type LayoutContext } from './layout.ts';
import { type ProviderNaming, type ProviderPlace, providerEntries } from './provider-entries.ts';

export interface DubboInterfaceSettings extends ProviderNaming {
  /** Dubbo's root, `/dubbo` by default. */
  readonly root: string;
}

/** Folders of the root that are no interfaces. */
const notInterfaces = ['config', 'mapping', 'metadata'];

/**
 * Dubbo's interface level: `/dubbo/<interface>/providers/<URL>`, and rules in other folders. The data of these nodes say
 * nothing.
 */
export function dubboInterfaces(settings: DubboInterfaceSettings, context: LayoutContext): Layout {
  const root = below(context.chroot, settings.root);

  function apply(change: NodeChange): void {
    const [iface = '', category = '', url] = change.names;
    const folder = `${root}/${iface}`;
    if (url === undefined) {
      if (change.type === 'removed' && change.names.length === 1) context.catalog.removeFolder(folder);
      return;
    }
    if (ruleFolders.includes(category)) {
      applyRuleNode(root, change, context);
      return;
    }
    applyInstanceNode({ change, root, folder }, context, (_, place) => readEntries(url, { ...settings, place }));
  }

  return { trees: [{ root, interestIn, apply }] };
}

function interestIn([iface = '', category, url, ...deeper]: readonly string[]): NodeInterest {
  if (notInterfaces.includes(iface) || deeper.length > 0) return null;
  if (category === undefined) return 'children';
  if (category !== 'providers' && !ruleFolders.includes(category)) return null;
  return url === undefined ? 'children' : 'existence';
}

/** Protocols of nodes that are no providers, though they stand among them. */
const noProviders = ['empty', 'consumer', 'injvm'];

/** Returns the entries of a provider's URL, or what is wrong with it. */
function readEntries(text: string, settings: ProviderPlace): Result<readonly CatalogEntry[], string> {
  const url = parseServiceUrl(text);
  if (!url.ok) return url;
  if (noProviders.includes(url.value.protocol)) return ok([]);
  const provider = readProvider(url.value);
  if (!provider.ok) return provider;
  return providerEntries(provider.value, settings);
}
