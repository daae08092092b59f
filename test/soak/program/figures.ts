import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane } from '../../support/control-plane.ts';
import type { Inspector } from './inspector.ts';

/** Resources of a program. Memory in bytes. */
export interface ProgramFigures {
  readonly heap: number;
  /** Outside the heap: buffers and memory that native code reports. */
  readonly external: number;
  readonly resident: number;
  /** Active resources of the event loop by kind: sockets, timers, requests. */
  readonly handles: Readonly<Record<string, number>>;
  readonly descriptors: number;
}

/** Figures at rest, after garbage collection. */
export interface RestFigures extends ProgramFigures {
  /** Metrics `binnacle_…` that must be 0 at rest. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Reads the current figures. */
export async function readFigures({ child }: ControlPlane, inspector: Inspector): Promise<ProgramFigures> {
  const [memory, resources] = (await inspector.evaluate(
    '[process.memoryUsage(), process.getActiveResourcesInfo()]',
  )) as [NodeJS.MemoryUsage, string[]]; // the types of Node's own documentation
  return {
    heap: memory.heapUsed,
    external: memory.external,
    resident: memory.rss,
    handles: Object.fromEntries(
      Object.entries(Object.groupBy(resources, (name) => name)).map(([name, all]) => [name, all?.length ?? 0]),
    ),
    descriptors: readdirSync(`/proc/${child.pid}/fd`).length,
  };
}

/** Reads the figures after garbage collection. Each memory figure is the median of five. */
export async function readRestFigures(controlPlane: ControlPlane, inspector: Inspector): Promise<RestFigures> {
  const metrics = await restMetrics(controlPlane);
  const read: ProgramFigures[] = [];
  for (let turn = 0; turn < 5; turn++) {
    await inspector.collectGarbage();
    await delay(100); // finalised objects are freed by the next collection
    await inspector.collectGarbage();
    read.push(await readFigures(controlPlane, inspector));
  }
  const [first, ...others] = read;
  if (first === undefined) throw new Error('five were read');
  const middle = (of: (figures: ProgramFigures) => number) => averagedMedian([first, ...others].map(of));
  return {
    heap: middle(({ heap }) => heap),
    external: middle(({ external }) => external),
    resident: middle(({ resident }) => resident),
    descriptors: middle(({ descriptors }) => descriptors),
    handles: others.at(-1)?.handles ?? first.handles,
    metrics,
  };
}

/**
 * Counts living objects of the classes that exist once per client, subscription, table or socket. Stops the program for
 * seconds.
 */
export async function countLiving(inspector: Inspector): Promise<Readonly<Record<string, number>>> {
  return (await inspector.evaluate(livingExpression)) as Record<string, number>; // the expression returns this
}

/** Advances the program's clocks, as after a machine's sleep, so that timeouts of a minute expire now. */
export async function putClockForward(inspector: Inspector, byMs: number): Promise<void> {
  await inspector.evaluate(`{ const before = Date.now; Date.now = () => before() + ${byMs}; }`);
  await inspector.evaluate(
    `{ const before = performance.now.bind(performance); performance.now = () => before() + ${byMs}; }`,
  );
}

/** Metrics that must be 0 when no client is connected and nothing is registered. */
export const restMetricNames = [
  'binnacle_clients{mode="sotw"}',
  'binnacle_clients{mode="delta"}',
  'binnacle_layers',
  'binnacle_interests',
  'binnacle_table_bytes',
  ...['cluster', 'endpoint', 'listener', 'route'].map((type) => `binnacle_table_resources{type="${type}"}`),
  'binnacle_adapter_services{adapter="registration"}',
  'binnacle_adapter_empty_services{adapter="registration"}',
  'binnacle_adapter_endpoints{adapter="registration"}',
  'binnacle_adapter_services{adapter="service-entries"}',
];

export async function restMetrics(controlPlane: ControlPlane): Promise<Record<string, number>> {
  const values = await Promise.all(
    restMetricNames.map(async (name) => [name, (await controlPlane.metric(name)) ?? 0] as const),
  );
  return Object.fromEntries(values);
}

export function averagedMedian(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return (low + high) / 2;
}

/** Modules of the classes in the build. Importing a loaded module returns the same instance. */
const classes = {
  Client: 'push/client.js',
  Interest: 'xds/tables/interest.js',
  Table: 'xds/tables/table.js',
  ServerStream: 'rpc/server-stream.js',
  Connection: 'rpc/connection.js',
  WatchStream: 'api/rules/watch/stream.js',
};

/** The built sources, for paths relative to them. */
const built = `${join(import.meta.dirname, '../../../dist/src')}/`;
const livingExpression = `(() => {
  const module = process.getBuiltinModule('node:module').createRequire(${JSON.stringify(built)});
  const { queryObjects } = process.getBuiltinModule('node:v8');
  const count = (of) => queryObjects(of, { format: 'count' });
  const own = Object.entries(${JSON.stringify(classes)}).map(([name, path]) => [name, count(module('./' + path)[name])]);
  return Object.fromEntries([...own, ['Socket', count(process.getBuiltinModule('node:net').Socket)]]);
})()`;
