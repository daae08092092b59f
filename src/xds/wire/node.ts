import { canonicalAddress } from '../../lib/ip.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { NodeClaim } from '../../model/caller-authentication.ts';
import type { ClientKind, InterceptionMode, Proxy, Role } from '../../model/proxy.ts';
import { defaultNodeLimits, type NodeLimits } from './node-limits.ts';
import { type NodeFacts, readNode } from './node-reader.ts';
import { firstBytes, textOf } from './wire-reader.ts';

export interface NodeOptions {
  readonly domainSuffix: string;
  /** Default: `defaultNodeLimits`. */
  readonly limits?: NodeLimits;
}

/** Reads the proxy from the node, once per stream. `node.id` of sidecars: `sidecar~<ip>~<name>.<namespace>~<dns domain>`. */
export function proxyOf(nodeBytes: Uint8Array, options: NodeOptions): Result<Proxy, string> {
  const read = readNode(nodeBytes, options.limits ?? defaultNodeLimits);
  if (!read.ok) return read;
  const { value: node } = read;
  if (node.id === '') {
    return err('the first request must carry node.id: give the client one ("binnacle bootstrap" writes it)');
  }
  const { text } = node;
  const identity = readId(node.id);
  const namespace = text('NAMESPACE') || identity.namespace || 'default';
  return ok({
    id: node.id,
    role: identity.role,
    client: clientOf(node),
    name: text('NAME') || identity.name,
    namespace,
    dnsDomain: identity.dnsDomain || `${namespace}.svc.${options.domainSuffix}`,
    addresses: addressesOf(text('INSTANCE_IPS'), identity.address),
    labels: node.labels,
    cluster: text('CLUSTER_ID'),
    network: text('NETWORK'),
    locality: node.locality.filter(Boolean).join('/'),
    interception: interceptionOf(text('INTERCEPTION_MODE')),
    ...(text('DNS_CAPTURE') === 'true' ? { capturesDns: true } : {}),
    ...(text('AUTO_REGISTER_GROUP') === '' ? {} : { registrationGroup: text('AUTO_REGISTER_GROUP') }),
  });
}

/**
 * Statements of a node about its workload, to compare with what its token proves. Without any about the namespace, that
 * of `proxyOf` counts. A node that `proxyOf` accepts.
 */
export function claimsOf(nodeBytes: Uint8Array, options: NodeOptions): Result<readonly NodeClaim[], string> {
  const read = readNode(nodeBytes, options.limits ?? defaultNodeLimits);
  if (!read.ok) return read;
  const { id, text } = read.value;
  const { namespace, name, dnsDomain } = readId(id);
  const given: readonly NodeClaim[] = [
    { about: 'namespace', field: 'node.id', value: namespace },
    { about: 'namespace', field: 'node.metadata.NAMESPACE', value: text('NAMESPACE') },
    { about: 'pod', field: 'node.id', value: dnsDomain === '' ? '' : name }, // any other id names no pod
    { about: 'pod', field: 'node.metadata.NAME', value: text('NAME') },
    { about: 'service account', field: 'node.metadata.SERVICE_ACCOUNT', value: text('SERVICE_ACCOUNT') },
  ];
  const claims = given.filter(({ value }) => value !== '');
  if (claims.some(({ about }) => about === 'namespace')) return ok(claims);
  return ok([{ about: 'namespace', field: 'node.metadata.NAMESPACE, left out,', value: 'default' }, ...claims]);
}

/** Reads the id alone, which clients write first. */
export function nodeIdOf(nodeBytes: Uint8Array): string {
  const id = firstBytes(nodeBytes, 1);
  return id === null ? '' : textOf(id);
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

function clientOf({ userAgent }: NodeFacts): ClientKind {
  const agent = userAgent.toLowerCase();
  if (agent.startsWith('grpc')) return 'grpc';
  return agent === 'mosn' ? 'mosn' : 'envoy';
}

function addressesOf(instanceIps: string, own: string): readonly string[] {
  const listed = instanceIps.split(',').filter(Boolean);
  return [...new Set((own === '' ? listed : [own, ...listed]).map(canonicalAddress))];
}

function interceptionOf(mode: string): InterceptionMode {
  const known: Readonly<Record<string, InterceptionMode>> = { NONE: 'none', TPROXY: 'tproxy' };
  return known[mode.toUpperCase()] ?? 'redirect';
}
