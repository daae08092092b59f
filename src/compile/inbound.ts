import type { PlanProblem } from '../plan/unit.ts';
import type { EncodedResource } from '../proto/resource.ts';
import type { Dialects } from './dialects.ts';
import { type InboundFacts, inboundFactsOf } from './inbound-facts.ts';
import { type HeldInbound, inboundUnits } from './inbound-units.ts';
import type { Layer, LayerKind, LayerParts } from './layer.ts';
import { portOrigin, resolveInboundFrame } from './resolve/inbound.ts';
import type { Shelved } from './shelf.ts';
import { createTables } from './tables/tables.ts';
import { createUnits } from './units.ts';
import { plainReading } from './world/reading.ts';
import { createWriter, type Writer } from './writer.ts';

/** What workloads serve: `virtualInbound` and the clusters behind it. */
export const inboundKind = (dialects: Dialects): LayerKind<InboundFacts> => ({
  kind: 'inbound',
  mayWait: false,
  factsOf: (proxy, world) => inboundFactsOf(proxy, world, dialects),
  selected: () => [],
  create: (facts, parts) =>
    createInboundLayer(facts, createWriter({ dialect: dialects[facts.client], shelves: parts.shelves }), parts),
  layersWith: (origin, { layersByOrigin }) => layersByOrigin.holdersOf(origin),
});

function createInboundLayer(facts: InboundFacts, writer: Writer, parts: LayerParts): Layer {
  const { key, world, problems, shelves } = parts;
  const tables = createTables(key);
  let isUnsettled = false;
  const changed = () => {
    isUnsettled = true;
  };
  const units = createUnits(inboundUnits({ facts, writer, parts, tables, changed }), problems);
  let listeners: readonly Shelved<EncodedResource>[] = [];
  let told: readonly PlanProblem[] = [];

  const unitsOf = (origin: string) =>
    [...units.values()].filter(({ parts: { port } }) => port !== null && portOrigin(port) === origin);
  const tell = (next: readonly PlanProblem[]) => {
    problems.replace(told, next);
    told = next;
  };
  /** Puts the listeners together from all ports that are right by themselves. */
  const settle = () => {
    const ports = [...units.values()].flatMap(({ parts: { port } }) => (port === null ? [] : [port]));
    ports.sort((a, b) => a.targetPort - b.targetPort);
    const before = listeners;
    try {
      listeners = writer.inboundListeners({ ...resolveInboundFrame(facts, plainReading(world)), ports });
    } catch (error) {
      const message = `its ports cannot be served together: ${error instanceof Error ? error.message : error}`;
      return tell(ports.map((port) => ({ origin: portOrigin(port), message })));
    }
    tell([]);
    const kept = new Set(listeners.map(({ value }) => value.name));
    for (const { value } of before) if (!kept.has(value.name)) tables.delete('listener', value.name);
    for (const { value } of listeners) tables.set('listener', value);
    for (const held of before) shelves.listeners.release(held);
  };

  return {
    key,
    mark(dirty) {
      if (dirty.mesh) units.markAll();
      units.mark(dirty);
      return units.isDirty;
    },
    *compile(revision) {
      yield* units.compile(revision);
      if (!isUnsettled) return;
      settle();
      isUnsettled = false;
      yield;
    },
    takeChanges: () => tables.takeChanges(),
    *partsOf(type, name) {
      if (type !== 'cluster' && type !== 'listener') return;
      for (const { parts: held, since } of units.values()) {
        const { port } = held;
        if (port === null || !madeOf(type, held).some(({ value }) => value.name === name)) continue;
        yield { part: '', origins: [portOrigin(port)], since: since[type] };
      }
    },
    *contributionsOf(origin) {
      for (const { parts: held, since } of unitsOf(origin)) {
        for (const type of ['cluster', 'listener'] as const) {
          for (const { value } of madeOf(type, held)) yield { layer: key, type, name: value.name, since: since[type] };
        }
      }
    },
    dispose() {
      for (const {
        parts: { port },
      } of units.values()) {
        if (port !== null) parts.layersByOrigin.remove(key, [portOrigin(port)]);
      }
      units.dispose();
      tell([]);
      for (const held of listeners) shelves.listeners.release(held);
    },
  };
}

const madeOf = (type: 'cluster' | 'listener', { clusters, listeners }: HeldInbound) =>
  type === 'cluster' ? clusters : listeners;
