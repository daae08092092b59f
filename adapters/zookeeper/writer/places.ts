import type { WrittenService } from '../../../src/adapter-contract/registry-writer.ts';
import { readHostname } from '../../../src/dubbo/hostname-template.ts';
import { identityOfHost } from '../../../src/dubbo/identity.ts';
import { err, ok, type Result } from '../../../src/lib/result.ts';
import { templateOf, type ZooKeeperConfig } from '../config.ts';
import { below } from '../layouts/layout.ts';
import { curatorNodes, dubboApplicationNodes, dubboProviderNodes, motanNodes } from './formats.ts';
import type { NodesOf } from './written-node.ts';

/** Finds the layout that the adapter reads back under the hostname of a service. The error says why there is none. */
export function placeInTrees(
  { namespace, hostname }: WrittenService,
  settings: ZooKeeperConfig,
): Result<NodesOf, string> {
  if (namespace !== settings.namespace)
    return err(`services of this registry belong to the namespace ${settings.namespace}, not to ${namespace}`);
  const nodes = dubboPlace(hostname, settings) ?? motanPlace(hostname, settings) ?? curatorPlace(hostname, settings);
  return nodes === null
    ? err(`no service of this registry has the hostname ${hostname}: see the keys hostname`)
    : ok(nodes);
}

function dubboPlace(host: string, { dubbo, chroot = '' }: ZooKeeperConfig): NodesOf | null {
  if (dubbo === undefined) return null;
  const identity = identityOfHost(host, { template: templateOf('service', dubbo.hostname), names: dubbo.names });
  if (identity !== null) return dubboProviderNodes(below(chroot, dubbo.root), identity);
  const { application } = readHostname(templateOf('application', dubbo.applicationHostname), host) ?? {};
  return application === undefined ? null : dubboApplicationNodes(below(chroot, dubbo.applicationRoot), application);
}

function motanPlace(host: string, { motan, chroot = '' }: ZooKeeperConfig): NodesOf | null {
  if (motan === undefined) return null;
  const identity = identityOfHost(host, { template: templateOf('motan', motan.hostname), names: motan.names });
  return identity === null ? null : motanNodes(below(chroot, motan.root), identity, motan.encoding);
}

function curatorPlace(host: string, { curator, chroot = '' }: ZooKeeperConfig): NodesOf | null {
  for (const { root, hostname } of curator) {
    const { name } = readHostname(templateOf('curator', hostname), host) ?? {};
    if (name !== undefined) return curatorNodes(below(chroot, root), name);
  }
  return null;
}
