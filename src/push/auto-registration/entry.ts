import type { Proxy } from '../../model/proxy.ts';
import type { WorkloadGroupSpec } from '../../rules/kinds/workload-group/schema.ts';
import type { Rule } from '../../rules/rule.ts';
import type { ObjectDraft, ObjectKey, StoredObject } from '../../rules/store.ts';

/** Annotations of registered entries, with Istio's names. */
const annotations = {
  group: 'istio.io/autoRegistrationGroup',
  controller: 'istio.io/workloadController',
  connectedAt: 'istio.io/connectedAt',
} as const;

/** Registration of a workload by the replica to which its proxy is connected. */
export interface EntryRegistration {
  readonly group: string;
  readonly controller: string;
  /** Time in milliseconds since the Unix epoch at which the proxy was last known to be connected. */
  readonly connectedAtMs: number;
}

/** Returns the key of the WorkloadEntry of a proxy, with Istio's name; null for a proxy that registers nothing. */
export function entryKeyOf({ registrationGroup, addresses, network, namespace }: Proxy): ObjectKey | null {
  const [address] = addresses;
  if (registrationGroup === undefined || address === undefined) return null;
  const parts = [registrationGroup, address, ...(network === '' ? [] : [network])];
  const name = parts
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-');
  return { kind: 'WorkloadEntry', namespace, name: name.replace(/[^a-z0-9]+$/, '') };
}

/**
 * Builds the entry of a proxy from its group. Labels of the node win over those of the group's metadata, and these over
 * those of its template; its network and locality win over those of the template.
 */
export function entryOf(
  { name, namespace }: ObjectKey,
  { addresses: [address], labels, network, locality }: Proxy,
  { rule, registration }: { readonly rule: Rule<string, WorkloadGroupSpec>; readonly registration: EntryRegistration },
): ObjectDraft {
  const { template, metadata } = rule.spec;
  return {
    kind: 'WorkloadEntry',
    apiVersion: rule.apiVersion,
    metadata: {
      name,
      namespace,
      labels: {},
      annotations: {
        ...metadata?.annotations,
        [annotations.group]: registration.group,
        [annotations.controller]: registration.controller,
        [annotations.connectedAt]: new Date(registration.connectedAtMs).toISOString(),
      },
    },
    spec: {
      ...template,
      address,
      labels: { ...template.labels, ...metadata?.labels, ...labels },
      ...(network === '' ? {} : { network }),
      ...(locality === '' ? {} : { locality }),
    },
  };
}

/** Reads the registration of a WorkloadEntry; null for one that somebody wrote. */
export function registrationOf({ metadata }: StoredObject): EntryRegistration | null {
  const group = metadata.annotations[annotations.group];
  if (group === undefined) return null;
  const connectedAtMs = Date.parse(metadata.annotations[annotations.connectedAt] ?? '') || 0;
  return { group, controller: metadata.annotations[annotations.controller] ?? '', connectedAtMs };
}
