import { fromJson, toBinary } from '@bufbuild/protobuf';
import { NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { type ParsedFile, parseFile } from '../../adapters/file/documents.ts';
import { readKubernetesObject, unknownCreationTime } from '../../adapters/kubernetes/translate-object.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import type { ProxyConfiguration } from '../../src/simulator/call.ts';
import { proxyOf } from '../../src/xds/wire/node.ts';
import { compileMesh, domainSuffix, type ProxyResources } from '../support/compiled-mesh.ts';
import { callDifference } from './compare-call.ts';
import { factDifference } from './compare-fact.ts';
import type { MeshCase } from './read-cases.ts';

/** Objects without a creation time are created at this time. */
const creationTimestamp = '2026-01-01T00:00:00Z';

/** Returns the differences from the expectations of a case, as texts for people; empty if it holds. */
export async function runCase(one: MeshCase): Promise<readonly string[]> {
  const { problems, proxies } = await compileMesh('objects.yaml', await objectsOf(one), [nodeOf(one)]);
  const [resources] = proxies;
  if (resources === undefined) throw new Error('nothing was compiled for the proxy');
  const configuration = configurationOf(resources);
  const differences = [
    ...one.calls.map((call, index) => callDifference(call, index, configuration)),
    ...one.expectConfig.map((fact, index) => factDifference(fact, index, resources)),
  ].filter((text) => text !== null);
  return differences.length === 0 ? [] : [...differences, ...problems.map((text) => `reported: ${text}`)];
}

async function objectsOf({ objects, mesh }: MeshCase): Promise<ParsedFile> {
  const parsed = await parseFile('objects.yaml', objects);
  const settings = readKubernetesObject(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio', namespace: 'istio-system' },
      data: { mesh: JSON.stringify(mesh) },
    },
    'mesh',
  );
  if (!settings.ok) throw new Error(settings.error);
  const aged = parsed.objects.map((object) => {
    const { metadata } = object;
    return metadata.creationTimestamp === unknownCreationTime
      ? { ...object, metadata: { ...metadata, creationTimestamp } }
      : object;
  });
  return { ...parsed, objects: [...aged, settings.value] };
}

/** Returns the proxy as a stream reads it from its first request. */
function nodeOf({ proxy }: MeshCase): Proxy {
  const { role, ip, name, namespace, labels, interception = 'REDIRECT', locality } = proxy;
  const [region = '', zone = '', subZone = ''] = locality.split('/');
  const node = {
    id: `${role === 'gateway' ? 'router' : 'sidecar'}~${ip}~${name}.${namespace}~${namespace}.svc.${domainSuffix}`,
    metadata: { NAMESPACE: namespace, LABELS: labels, INTERCEPTION_MODE: interception },
    locality: { region, zone, subZone },
    userAgentName: 'envoy',
  };
  const read = proxyOf(toBinary(NodeSchema, fromJson(NodeSchema, node)), { domainSuffix });
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

/** Hands the resources to the simulator. */
function configurationOf({ listener, route, cluster }: ProxyResources): ProxyConfiguration {
  // proto JSON of these messages is what their generated JSON types describe
  return { listeners: [...listener.values()], routes: [...route.values()], clusters: [...cluster.values()] };
}
