import { parseArgs } from 'node:util';
import { type BenchMesh, changedServices } from './mesh.ts';
import type { NamespacedMesh } from './namespaces/mesh.ts';
import type { ServerName } from './servers/contract.ts';

const usualSections = [
  ...(['serving', 'flat', 'idle', 'stalled', 'restart', 'namespaces'] as const),
  ...(['rules', 'service-entries', 'hostile'] as const),
];
/** Parts that run only when named: `many-namespaces` takes minutes and gigabytes, the others need servers of others. */
export const sectionNames = [...usualSections, ...(['many-namespaces', 'kubernetes', 'registries'] as const)];
export type SectionName = (typeof sectionNames)[number];

export interface ChangeCounts {
  readonly endpointChanges: number;
  readonly routeChanges: number;
}

export interface ServingPlan {
  readonly mesh: BenchMesh;
  readonly streams: readonly number[];
  /** Number of changes per server. Peers that need seconds for a change get fewer. */
  readonly changes: Readonly<Record<ServerName, ChangeCounts>>;
  readonly flat: { readonly services: readonly number[]; readonly streams: number };
  readonly idleStreams: number;
  readonly stalled: { readonly streams: number; readonly changes: number; readonly stalledMs: number };
}

export interface RulesPlan {
  readonly mesh: BenchMesh;
  readonly streams: number;
  readonly objects: number;
  /** Number of objects per batch, one run each. */
  readonly batches: readonly number[];
  readonly watches: number;
  /** Directory of the database: the figures depend on its disk. */
  readonly dir: string;
}

export interface ServiceEntriesPlan {
  /** Number of ServiceEntries, and of WorkloadEntries. */
  readonly objects: number;
  /** Number of writes per figure. */
  readonly step: number;
}

export interface RestartPlan {
  readonly mesh: BenchMesh;
  readonly streams: number;
  readonly rounds: number;
}

export interface NamespacesPlan {
  readonly mesh: NamespacedMesh;
  /** Clients of all namespaces together. */
  readonly clients: number;
  readonly routeChanges: number;
  readonly rounds: number;
}

export interface ManyNamespacesPlan {
  readonly mesh: NamespacedMesh;
  /** Numbers of namespaces, one step each. One client connects in each namespace. */
  readonly steps: readonly number[];
  /** Limits of a step's CPU time and of the memory after it. A step above a limit is the last. */
  readonly limits: { readonly cpuSeconds: number; readonly bytes: number };
}

export interface KubernetesPlan {
  readonly mesh: BenchMesh;
  readonly streams: number;
  /** Number of changes one after the other. */
  readonly changes: number;
  readonly storm: { readonly perSecond: number; readonly seconds: number };
}

export interface RegistriesPlan {
  readonly zookeeper: BenchMesh;
  readonly nacos: BenchMesh;
  readonly streams: number;
  /** Number of changes one after the other. */
  readonly changes: number;
  /** Number of instances that restart. */
  readonly restarted: number;
}

export interface BenchPlan {
  readonly sections: readonly SectionName[];
  /** Profiles the server in place of the sections. */
  readonly profile: boolean;
  readonly serving: ServingPlan;
  readonly rules: RulesPlan;
  readonly serviceEntries: ServiceEntriesPlan;
  readonly restart: RestartPlan;
  readonly namespaces: NamespacesPlan;
  readonly manyNamespaces: ManyNamespacesPlan;
  readonly kubernetes: KubernetesPlan;
  readonly registries: RegistriesPlan;
}

/** Parses the command line. Throws an error that explains a mistake in it. */
export function benchPlanOf(args: readonly string[], defaultDir: string): BenchPlan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      services: { type: 'string', default: '1000' },
      endpoints: { type: 'string', default: '10' },
      streams: { type: 'string' },
      changes: { type: 'string' },
      objects: { type: 'string' },
      rounds: { type: 'string' },
      dir: { type: 'string', default: defaultDir },
    },
  });
  const { quick } = values;
  const mesh = {
    services: count('services', values.services, changedServices),
    endpoints: count('endpoints', values.endpoints),
  };
  const given = (name: 'changes' | 'objects' | 'rounds', otherwise: number): number =>
    values[name] === undefined ? otherwise : count(name, values[name]);
  // enough cheap changes that a full garbage collection among them is not a matter of chance
  const endpointChanges = given('changes', quick ? 10 : 200);
  const routeChanges = given('changes', quick ? 10 : 50);
  const all = { endpointChanges, routeChanges };
  const rounds = given('rounds', quick ? 1 : 3);
  const atMost = (most: number): ChangeCounts => ({
    endpointChanges: Math.min(endpointChanges, most),
    routeChanges: Math.min(routeChanges, most),
  });
  return {
    sections: sectionsOf(values.only),
    profile: values.profile,
    serving: {
      mesh,
      streams: values.streams?.split(',').map((text) => count('streams', text)) ?? (quick ? [100] : [100, 500, 1_000]),
      changes: { binnacle: all, bare: all, linear: atMost(10), snapshot: atMost(5) },
      flat: quick ? { services: [100, 1_000], streams: 100 } : { services: [100, 1_000, 10_000], streams: 500 },
      idleStreams: quick ? 200 : 1_000,
      stalled: quick
        ? { streams: 100, changes: 200, stalledMs: 5_000 }
        : { streams: 1_000, changes: 1_000, stalledMs: 30_000 },
    },
    rules: {
      mesh,
      streams: quick ? 20 : 100,
      objects: given('objects', quick ? 2_000 : 10_000),
      batches: [100, 1_000],
      watches: quick ? 20 : 100,
      dir: values.dir,
    },
    serviceEntries: { objects: quick ? 4_000 : 20_000, step: 1_000 },
    restart: { mesh, streams: quick ? 100 : 500, rounds },
    namespaces: {
      mesh: { ...mesh, namespaces: quick ? 10 : 50 },
      clients: quick ? 100 : 500,
      routeChanges: quick ? 5 : 20,
      rounds,
    },
    manyNamespaces: {
      mesh: { services: 10_000, endpoints: 2, namespaces: 500 },
      steps: [1, 10, 50, 100, 250, 500],
      limits: { cpuSeconds: 120, bytes: 4e9 },
    },
    kubernetes: {
      mesh,
      streams: quick ? 20 : 100,
      changes: given('changes', quick ? 20 : 200),
      storm: { perSecond: 500, seconds: quick ? 3 : 30 },
    },
    registries: {
      zookeeper: { services: quick ? 500 : 10_000, endpoints: mesh.endpoints },
      nacos: { services: quick ? 200 : 2_000, endpoints: mesh.endpoints },
      streams: quick ? 20 : 100,
      changes: given('changes', quick ? 10 : 100),
      restarted: quick ? 100 : 1_000,
    },
  };
}

function sectionsOf(only: string | undefined): readonly SectionName[] {
  if (only === undefined) return usualSections;
  const wanted = only.split(',');
  const unknown = wanted.filter((name) => !sectionNames.some((known) => known === name));
  if (unknown.length > 0) {
    throw new Error(`--only: there is no ${unknown.join(', ')}; there are ${sectionNames.join(', ')}`);
  }
  return sectionNames.filter((name) => wanted.includes(name));
}

function count(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new Error(`--${name}: "${text}" is no number from ${least} on`);
  }
  return value;
}
