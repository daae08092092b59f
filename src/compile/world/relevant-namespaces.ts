import type { World } from './world.ts';

/** Returns true if the configuration of proxies depends on whether they are in this namespace. */
export function namespaceMatters(namespace: string, world: World): boolean {
  if (world.relevance.namespaceMatters(namespace)) return true;
  const mesh = world.mesh();
  const defaults = [
    mesh.defaultServiceExportTo,
    mesh.defaultVirtualServiceExportTo,
    mesh.defaultDestinationRuleExportTo,
  ];
  return namespace === mesh.rootNamespace || defaults.some((exportTo) => exportTo.includes(namespace));
}
