import { z } from 'zod';
import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { follow } from '../../src/kubernetes/follow.ts';
import { type ClusterObjectChange, createReflector, type Reflector } from '../../src/kubernetes/reflector.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { type CredentialReference, createCredentialReferences } from './credential-references.ts';
import { configMaps, listPath, secrets } from './kinds.ts';

export interface ReferencedCredentials {
  /** Takes changes of rules and Pods, and follows the objects that are referred to then. */
  apply(changes: readonly ShardChange[]): void;
  /** Resolves when everything is closed, after the signal aborted. */
  ended(): Promise<void>;
}

export interface CredentialsOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly probeMs: number;
  readonly compareMs: number;
  /** Receives the problem of an object, such as `Secret shop/cert`; null: it has none. */
  readonly report: (origin: string, message: string | null) => void;
}

/** Object that rules refer to. Of its data only the names of the keys are kept. */
interface FollowedObject {
  references: readonly CredentialReference[];
  keys: ReadonlySet<string> | null;
  readonly origin: string;
  readonly reflector: Reflector;
  readonly leaves: AbortController;
  ended: Promise<void>;
}

/**
 * Follows the Secrets and ConfigMaps that rules refer to, and no others: each by a list and watch with its name, so that a Role may name
 * them, and others are neither received nor kept.
 */
export function followCredentials(options: CredentialsOptions, signal: AbortSignal): ReferencedCredentials {
  const { client, clock, probeMs, compareMs, report } = options;
  const references = createCredentialReferences();
  const followed = new Map<string, FollowedObject>();
  const leaving = new Set<Promise<void>>();

  function judge({ reflector, origin, keys, references: all }: FollowedObject): void {
    const trouble = reflector.trouble();
    const faults = all.flatMap((reference) => faultOf(reference, keys) ?? []);
    const rules = [...new Set(all.map(({ rule }) => rule))].join(', ');
    if (trouble?.type === 'denied') report(origin, `cannot be read: ${trouble.message}; referred to by ${rules}`);
    else if (reflector.isSettled())
      report(origin, faults[0] === undefined ? null : `${faults[0]}; referred to by ${rules}`);
  }

  function begin(first: CredentialReference, all: readonly CredentialReference[]): FollowedObject {
    const { kind, namespace, name } = first;
    const one: FollowedObject = {
      references: all,
      keys: null,
      origin: `${kind} ${namespace}/${name}`,
      reflector: createReflector(),
      leaves: new AbortController(),
      ended: Promise.resolve(),
    };
    one.ended = follow(
      {
        client,
        clock,
        path: listPath(kind === 'Secret' ? secrets : configMaps, namespace),
        selection: { fieldSelector: `metadata.name=${name}` },
        reflector: one.reflector,
        probeMs,
        compareMs,
        changed(changes) {
          for (const change of changes) one.keys = keysIn(change);
          judge(one);
        },
        relisted: () => {},
        differed: () => {},
      },
      AbortSignal.any([signal, one.leaves.signal]),
    );
    return one;
  }

  function end(key: string, { leaves, ended, origin }: FollowedObject): void {
    followed.delete(key);
    leaves.abort();
    report(origin, null);
    const closed = ended.then(() => void leaving.delete(closed));
    leaving.add(closed);
  }

  function reconcile(): void {
    const wanted = references.current();
    for (const [key, one] of followed) if (!wanted.has(key)) end(key, one);
    for (const [key, all] of wanted) {
      const known = followed.get(key);
      const [first] = all;
      if (known !== undefined) {
        known.references = all;
        judge(known);
      } else if (first !== undefined) followed.set(key, begin(first, all));
    }
  }

  return {
    apply(changes) {
      references.apply(changes);
      if (!signal.aborted && references.takeChanged()) reconcile();
    },
    async ended() {
      await Promise.all([...[...followed.values()].map((one) => one.ended), ...leaving]);
    },
  };
}

const body = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  binaryData: z.record(z.string(), z.unknown()).nullish(),
});

function keysIn(change: ClusterObjectChange): ReadonlySet<string> | null {
  if (change.type === 'removed') return null;
  const parsed = body.safeParse(change.object);
  return new Set(parsed.success ? Object.keys({ ...parsed.data.data, ...parsed.data.binaryData }) : []);
}

/** Keys of an object, in the forms that Istio reads: https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/ */
const keyForms = {
  certificate: [
    ['tls.key', 'tls.crt'],
    ['key', 'cert'],
  ],
  authorities: [['ca.crt'], ['cacert']],
} as const;

function faultOf({ needs }: CredentialReference, keys: ReadonlySet<string> | null): string | null {
  if (keys === null) return 'does not exist';
  const forms = keyForms[needs];
  if (forms.some((form) => form.every((key) => keys.has(key)))) return null;
  return `lacks ${forms[0].join(' and ')}`;
}
