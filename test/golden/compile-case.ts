import { fromJson, toBinary } from '@bufbuild/protobuf';
import { NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { parseFile } from '../../adapters/file/documents.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import { proxyOf } from '../../src/xds/wire/node.ts';
import { compileMesh, domainSuffix, type ProxyResources } from '../support/compiled-mesh.ts';
import type { CaseProxy, GoldenCase } from './cases.ts';

/** Results of a case. */
export interface CompiledCase {
  /** Problems for administrators: skipped objects, and rules with parts that have no effect. */
  readonly problems: readonly string[];
  /** By the proxy's name. */
  readonly proxies: ReadonlyMap<string, ProxyResources>;
}

/** Compiles a case like a mesh directory in the program, without the disk and the stream. */
export async function compileCase({ name, mesh, proxies }: GoldenCase): Promise<CompiledCase> {
  const file = `${name}.yaml`;
  const compiled = await compileMesh(file, await parseFile(file, mesh), proxies.map(nodeOf));
  const resources = compiled.proxies.map((one, index) => [proxies[index]?.name ?? '', one] as const);
  return { problems: compiled.problems, proxies: new Map(resources) };
}

/** Returns the proxy as a stream reads it from its first request. */
function nodeOf({ bootstrap, client }: CaseProxy): Proxy {
  const node = { ...bootstrap(0).node, user_agent_name: client };
  const proxy = proxyOf(toBinary(NodeSchema, fromJson(NodeSchema, node)), { domainSuffix });
  if (!proxy.ok) throw new Error(proxy.error);
  return proxy.value;
}
