import type { JsonObject } from '@bufbuild/protobuf';
import type { ParsedFile } from '../../adapters/file/documents.ts';
import { createMesh, listing } from '../../adapters/file/mesh.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import { resourceToJson } from '../../src/proto/json.ts';
import { createFeed } from '../../src/push/feed.ts';
import { ruleBook } from '../../src/rules/book/rule-book.ts';
import { ruleKinds } from '../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../src/rules/mesh-config.ts';
import { messagesOn } from '../../src/rules/pending.ts';
import { createServiceEntryIndex } from '../../src/rules/service-entries/index.ts';
import { type MeshType, meshTypes } from './mesh-types.ts';
import { testRegistry } from './registry.ts';
import { type CompiledWorld, compiledWorld } from './world.ts';

/** Results of a file of a mesh directory. */
export interface CompiledMesh {
  /** Problems for administrators: skipped objects, and rules with parts that have no effect. Sorted. */
  readonly problems: readonly string[];
  /** Resources of each proxy, in the order of the proxies. */
  readonly proxies: readonly ProxyResources[];
}

/** Resources in proto JSON, sorted by name. */
export type ProxyResources = Readonly<Record<MeshType, ReadonlyMap<string, JsonObject>>>;

/** Domain of the services of Kubernetes objects. */
export const domainSuffix = 'cluster.local';

/** Compiles the objects of a file like a mesh directory in the program, without the disk and the stream. */
export async function compileMesh(file: string, parsed: ParsedFile, proxies: readonly Proxy[]): Promise<CompiledMesh> {
  const { changes, mistakes } = createMesh(domainSuffix).update(
    new Map([[file, { name: file, stamp: '', parsed, isSuspect: false }]]),
  );
  const { registry } = testRegistry();
  const book = ruleBook({ kinds: ruleKinds, mesh: defaultMeshConfig });
  const serviceEntries = createServiceEntryIndex();
  const feed = createFeed({
    registry,
    book,
    serviceEntries,
    serviceEntryShard: registry.shard('service-entries', 'service-entry', { required: false, savesSnapshot: false }),
  });
  feed.start(() => {});
  registry.shard('mesh', 'file').replace(listing(changes));
  const world = compiledWorld();
  world.apply(...feed.take());
  const resources = proxies.map((proxy) => resourcesOf(world, proxy));
  const messages = messagesOn(book.rules(), ruleKinds, [world.compiler.problems(), serviceEntries.problems()]);
  feed.stop();
  await registry.close();
  return {
    problems: [
      ...mistakes.map(({ origin, message }) => `${origin}: ${message}`),
      ...registry.problems().map(({ origin, message }) => `${origin}: ${message}`),
      ...book
        .reports()
        .flatMap(({ id, problems }) => problems.map(({ path, message }) => `${id}: ${path}: ${message}`)),
      ...[...messages].flatMap(([id, texts]) => texts.map((text) => `${id}: ${text}`)),
    ].sort(),
    proxies: resources,
  };
}

function resourcesOf(world: CompiledWorld, proxy: Proxy): ProxyResources {
  const of = (type: MeshType) => {
    const table = [...world.table(type, proxy)].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(table.map(([name, resource]) => [name, resourceToJson(type, resource)]));
  };
  const [cluster, endpoint, listener, route] = meshTypes.map(of);
  const none = new Map<string, JsonObject>();
  return {
    cluster: cluster ?? none,
    endpoint: endpoint ?? none,
    listener: listener ?? none,
    route: route ?? none,
  };
}
