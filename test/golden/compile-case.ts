import { fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { parseFile } from '../../adapters/file/documents.ts';
import { createMesh, listing } from '../../adapters/file/mesh.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import { resourceToJson } from '../../src/proto/json.ts';
import { createFeed } from '../../src/push/feed.ts';
import { ruleBook } from '../../src/rules/book/rule-book.ts';
import { ruleKinds } from '../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../src/rules/mesh-config.ts';
import { messagesOn } from '../../src/rules/pending.ts';
import { createServiceEntryIndex } from '../../src/rules/service-entries/index.ts';
import { proxyOf } from '../../src/xds/wire/node.ts';
import { type MeshType, meshTypes } from '../support/mesh-types.ts';
import { testRegistry } from '../support/registry.ts';
import { type CompiledWorld, compiledWorld } from '../support/world.ts';
import type { CaseProxy, GoldenCase } from './cases.ts';

/** Results of a case. */
export interface CompiledCase {
  /** Problems for administrators: skipped objects, and rules with parts that have no effect. */
  readonly problems: readonly string[];
  /** By the proxy's name. */
  readonly proxies: ReadonlyMap<string, ProxyResources>;
}

/** Resources in proto JSON, sorted by name. */
export type ProxyResources = Readonly<Record<MeshType, ReadonlyMap<string, JsonObject>>>;

const domainSuffix = 'cluster.local';

/** Compiles a case like a mesh directory in the program, without the disk and the stream. */
export async function compileCase({ name, mesh, proxies }: GoldenCase): Promise<CompiledCase> {
  const file = `${name}.yaml`;
  const parsed = await parseFile(file, mesh);
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
  const resources = new Map(proxies.map((proxy) => [proxy.name, resourcesOf(world, nodeOf(proxy))]));
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

/** Returns the proxy as a stream reads it from its first request. */
function nodeOf({ bootstrap, client }: CaseProxy): Proxy {
  const node = { ...bootstrap(0).node, user_agent_name: client };
  const proxy = proxyOf(toBinary(NodeSchema, fromJson(NodeSchema, node)), { domainSuffix });
  if (!proxy.ok) throw new Error(proxy.error);
  return proxy.value;
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
