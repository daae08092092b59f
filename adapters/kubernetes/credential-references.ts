import { z } from 'zod';
import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import type { Workload } from '../../src/model/endpoint.ts';
import type { RawObject } from '../../src/model/object.ts';

/** Reference of a rule to a Secret or ConfigMap. */
export interface CredentialReference {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
  /** `certificate`: a private key and its certificate. `authorities`: certificates that verify the other side. */
  readonly needs: 'certificate' | 'authorities';
  /** Rule that refers to it: `Gateway shop/public`. */
  readonly rule: string;
}

/**
 * Index of the credentials that rules refer to. A DestinationRule refers to objects of its own namespace, a Gateway to those in
 * the namespaces of the Pods that it selects: https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings
 */
export interface CredentialReferences {
  apply(changes: readonly ShardChange[]): void;
  /** Returns the references by object: `Secret/shop/public-cert`. */
  current(): ReadonlyMap<string, readonly CredentialReference[]>;
  /** Reports whether `current` may have changed since the last call. */
  takeChanged(): boolean;
}

/** Gateway that has credentials. */
interface SelectingGateway {
  readonly rule: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly names: readonly NamedCredential[];
  /** Number of selected Pods by namespace. */
  readonly namespaces: Map<string, number>;
}

interface NamedCredential {
  readonly text: string;
  readonly needs: CredentialReference['needs'];
}

export function createCredentialReferences(): CredentialReferences {
  const workloads = new Map<string, Workload>();
  const gateways = new Map<string, SelectingGateway>();
  const destinations = new Map<string, readonly CredentialReference[]>();
  let isChanged = false;

  function setWorkload(id: string, next: Workload | null): void {
    const before = workloads.get(id);
    for (const gateway of gateways.values()) {
      if (before !== undefined) count(gateway, before, -1);
      if (next !== null) count(gateway, next, 1);
    }
    if (next === null) workloads.delete(id);
    else workloads.set(id, next);
  }

  function count({ selector, namespaces }: SelectingGateway, { namespace, labels }: Workload, by: 1 | -1): void {
    if (!Object.entries(selector).every(([name, value]) => labels[name] === value)) return;
    const before = namespaces.get(namespace) ?? 0;
    if (before + by === 0) namespaces.delete(namespace);
    else namespaces.set(namespace, before + by);
    if (before === 0 || before + by === 0) isChanged = true;
  }

  function setObject(id: string, object: RawObject | null): void {
    if (gateways.delete(id) || destinations.delete(id)) isChanged = true;
    if (object === null) return;
    const rule = `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
    if (object.kind === 'Gateway') {
      const { selector, names } = gatewayCredentials(object.spec);
      if (names.length === 0) return;
      const gateway = { rule, selector, names, namespaces: new Map<string, number>() };
      gateways.set(id, gateway);
      for (const workload of workloads.values()) count(gateway, workload, 1);
    } else {
      const { namespace } = object.metadata;
      const found = destinationCredentials(object.spec).flatMap((one) => referenceOf(one, { namespace, rule }));
      if (found.length > 0) destinations.set(id, found);
    }
    isChanged = true;
  }

  return {
    apply(changes) {
      for (const change of changes) {
        if (change.type === 'workload') {
          setWorkload(`${change.workload.namespace}/${change.workload.name}`, change.workload);
        } else if (change.type === 'workload-removed') setWorkload(`${change.namespace}/${change.name}`, null);
        else if (change.type === 'object' && isReferring(change.object.kind)) {
          const { kind, metadata } = change.object;
          setObject(`${kind}/${metadata.namespace}/${metadata.name}`, change.object);
        } else if (change.type === 'object-removed' && isReferring(change.kind)) {
          setObject(`${change.kind}/${change.namespace}/${change.name}`, null);
        }
      }
    },
    current() {
      const ofGateways = [...gateways.values()].flatMap(({ rule, names, namespaces }) =>
        [...namespaces.keys()].flatMap((namespace) => names.flatMap((one) => referenceOf(one, { namespace, rule }))),
      );
      const all = [...destinations.values()].flat().concat(ofGateways);
      return Map.groupBy(all, ({ kind, namespace, name }) => `${kind}/${namespace}/${name}`);
    },
    takeChanged() {
      const taken = isChanged;
      isChanged = false;
      return taken;
    },
  };
}

const isReferring = (kind: string): boolean => kind === 'Gateway' || kind === 'DestinationRule';

const text = z.string().nullish();
const tls = z
  .object({
    mode: text,
    credentialName: text,
    credentialNames: z.array(z.string()).nullish(),
    caCertCredentialName: text,
  })
  .nullish();
const policy = z.object({ tls, portLevelSettings: z.array(z.object({ tls })).nullish() }).nullish();
const destinationRule = z.object({
  trafficPolicy: policy,
  subsets: z.array(z.object({ trafficPolicy: policy })).nullish(),
});
const gateway = z.object({
  selector: z.record(z.string(), z.string()).nullish(),
  servers: z.array(z.object({ tls })).nullish(),
});

/** Returns the credentials of a Gateway; none of one that is wrong, which the rules report. */
function gatewayCredentials(spec: unknown): Pick<SelectingGateway, 'selector' | 'names'> {
  const parsed = gateway.safeParse(spec);
  if (!parsed.success) return { selector: {}, names: [] };
  const names = (parsed.data.servers ?? []).flatMap(({ tls: settings }) => [
    ...[settings?.credentialName, ...(settings?.credentialNames ?? [])].flatMap((name) => named(name, 'certificate')),
    ...named(settings?.caCertCredentialName, 'authorities'),
  ]);
  return { selector: parsed.data.selector ?? {}, names };
}

function destinationCredentials(spec: unknown): readonly NamedCredential[] {
  const parsed = destinationRule.safeParse(spec);
  if (!parsed.success) return [];
  const policies = [parsed.data.trafficPolicy, ...(parsed.data.subsets ?? []).map((subset) => subset.trafficPolicy)];
  const settings = policies.flatMap((one) => [one?.tls, ...(one?.portLevelSettings ?? []).map((port) => port.tls)]);
  return settings.flatMap((one) => named(one?.credentialName, one?.mode === 'MUTUAL' ? 'certificate' : 'authorities'));
}

const named = (name: string | null | undefined, needs: NamedCredential['needs']): readonly NamedCredential[] =>
  name ? [{ text: name, needs }] : [];

/**
 * Reads `NAME`, `NAMESPACE/NAME`, `kubernetes://NAME`, `kubernetes-gateway://NAMESPACE/NAME` or `configmap://NAME`. Other schemes name no object
 * of the cluster.
 */
function referenceOf(
  { text: given, needs }: NamedCredential,
  { namespace, rule }: { readonly namespace: string; readonly rule: string },
): readonly CredentialReference[] {
  const match = /^(?:(kubernetes|kubernetes-gateway|configmap):\/\/)?(?:([^/:]+)\/)?([^/:]+)$/.exec(given);
  const [, scheme, own, name] = match ?? [];
  if (name === undefined) return [];
  const kind = scheme === 'configmap' ? 'ConfigMap' : 'Secret';
  return [{ kind, namespace: own ?? namespace, name, needs, rule }];
}
