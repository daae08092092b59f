import { fromBinary, type JsonObject } from '@bufbuild/protobuf';
import { type Node, NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { err, ok, type Result } from '../lib/result.ts';
import type { ClientKind, InterceptionMode, Proxy, Role } from '../model/proxy.ts';
import { firstText, readFields } from './wire-reader.ts';

/** What of `node` matters, read once per stream. `node.id` of sidecars: `sidecar~<ip>~<name>.<namespace>~<dns domain>`. */
export function proxyOf(nodeBytes: Uint8Array, defaults: { readonly domainSuffix: string }): Result<Proxy, string> {
  const node = readNode(nodeBytes);
  if (node === null) return err('the node of the first request is malformed');
  if (node.id === '') {
    return err('the first request must carry node.id: give the client one ("binnacle bootstrap" writes it)');
  }
  const metadata = node.metadata ?? {};
  const identity = readId(node.id);
  const namespace = textOf(metadata, 'NAMESPACE') || identity.namespace || 'default';
  return ok({
    id: node.id,
    role: identity.role,
    client: clientOf(node),
    name: textOf(metadata, 'NAME') || identity.name,
    namespace,
    dnsDomain: identity.dnsDomain || `${namespace}.svc.${defaults.domainSuffix}`,
    addresses: addressesOf(metadata, identity.address),
    labels: labelsOf(metadata),
    cluster: textOf(metadata, 'CLUSTER_ID'),
    network: textOf(metadata, 'NETWORK'),
    locality: [node.locality?.region, node.locality?.zone, node.locality?.subZone].filter(Boolean).join('/'),
    interception: interceptionOf(textOf(metadata, 'INTERCEPTION_MODE')),
  });
}

/** The id alone, read from where clients write it: in front of everything else. */
export const nodeIdOf = (nodeBytes: Uint8Array): string => firstText(nodeBytes, 1) ?? '';

/** Null when the bytes are no Node: the library throws for that, and for nothing else. */
function readNode(bytes: Uint8Array): Node | null {
  try {
    return fromBinary(NodeSchema, withoutExtensions(bytes));
  } catch {
    return null;
  }
}

interface Identity {
  readonly role: Role;
  readonly address: string;
  readonly name: string;
  readonly namespace: string;
  readonly dnsDomain: string;
}

/** Any other id (gRPC clients choose freely) is a name; its namespace must come from the metadata. */
function readId(id: string): Identity {
  const [role = '', address = '', workload = '', dnsDomain = ''] = id.split('~');
  if (dnsDomain === '' || !(role === 'sidecar' || role === 'router')) {
    return { role: 'sidecar', address: '', name: id, namespace: '', dnsDomain: '' };
  }
  const dot = workload.lastIndexOf('.');
  return {
    role: role === 'router' ? 'gateway' : 'sidecar',
    address,
    name: dot < 0 ? workload : workload.slice(0, dot),
    namespace: dot < 0 ? '' : workload.slice(dot + 1),
    dnsDomain,
  };
}

function clientOf(node: Node): ClientKind {
  const agent = node.userAgentName.toLowerCase();
  if (agent.startsWith('grpc')) return 'grpc';
  return agent === 'mosn' ? 'mosn' : 'envoy';
}

function addressesOf(metadata: JsonObject, own: string): readonly string[] {
  const listed = textOf(metadata, 'INSTANCE_IPS').split(',').filter(Boolean);
  return [...new Set(own === '' ? listed : [own, ...listed])];
}

function labelsOf(metadata: JsonObject): Readonly<Record<string, string>> {
  const labels = metadata.LABELS;
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return {};
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function interceptionOf(mode: string): InterceptionMode {
  const known: Readonly<Record<string, InterceptionMode>> = { NONE: 'none', TPROXY: 'tproxy' };
  return known[mode.toUpperCase()] ?? 'redirect';
}

function textOf(metadata: JsonObject, key: string): string {
  const value = metadata[key];
  return typeof value === 'string' ? value : '';
}

/** Envoy lists some 500 extensions that it has: 30 KB per stream that nothing here reads. */
function withoutExtensions(node: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = [];
  readFields(node, (field) => {
    if (field.number !== 9) kept.push(node.subarray(field.start, field.end));
  });
  return Buffer.concat(kept);
}
