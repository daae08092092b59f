import { sidecar as sidecarKind } from '../rules/kinds/sidecar/index.ts';
import type { Dialect } from './dialect.ts';
import type { Dialects } from './dialects.ts';
import { type InboundFacts, inboundFactsOf } from './inbound-facts.ts';
import { type InboundUnitParts, inboundUnits, originsOfPort } from './inbound-units.ts';
import type { Layer, LayerKind, LayerParts } from './layer.ts';
import { createListenerTable } from './tables/listener-table.ts';
import { createTables } from './tables/tables.ts';
import { createUnits } from './units.ts';
import { createWriter } from './writer.ts';

/** Creates the inbound layer of workloads: `virtualInbound` and its clusters. */
export const inboundKind = (dialects: Dialects): LayerKind<InboundFacts> => ({
  kind: 'inbound',
  mayWait: false,
  factsOf: (proxy, world) => inboundFactsOf(proxy, world, dialects),
  selected: ({ sidecar }) => (sidecar === null ? [] : [sidecar]),
  create: (facts, parts) => createInboundLayer(facts, dialects[facts.client], parts),
  layersWith: (origin, { layersByOrigin }) => layersByOrigin.holdersOf(origin),
});

function createInboundLayer(facts: InboundFacts, dialect: Dialect, parts: LayerParts): Layer {
  const { key, problems, pools, world } = parts;
  const tables = createTables(key);
  const writer = createWriter({ dialect, pools });
  const listeners = createListenerTable({ tables, writer, pools, problems });
  const readSidecar = () => (facts.sidecar === null ? null : (world.rules.get(sidecarKind, facts.sidecar) ?? null));
  let sidecar = readSidecar();
  const units = createUnits(
    inboundUnits({ facts, client: dialect, writer, parts, tables, listeners, sidecar: () => sidecar }),
    problems,
  );

  const unitsOf = (origin: string) =>
    [...units.values()].filter(({ parts: { port } }) => originsOfPort(port).includes(origin));
  /** Returns the resources to which a port contributes. */
  const namesOf = (type: 'cluster' | 'listener', unitParts: InboundUnitParts): readonly string[] => {
    if (type === 'cluster') return unitParts.clusters.map(({ value }) => value.name);
    const chains = unitParts.chains.filter(listeners.has).map(({ plan }) => plan.listener.name);
    return [...new Set([...unitParts.listeners.map(({ value }) => value.name), ...chains])];
  };

  return {
    key,
    mark(dirty) {
      const isSidecarChanged = facts.sidecar !== null && dirty.selecting.has(facts.sidecar);
      // A removed Sidecar keeps its effect here: the proxies of this layer are about to leave it.
      if (isSidecarChanged) sidecar = readSidecar() ?? sidecar;
      if (dirty.mesh || isSidecarChanged) units.markAll();
      units.mark(dirty);
      return units.isDirty;
    },
    *compile(revision) {
      yield* units.compile(revision);
      yield* listeners.settle();
    },
    takeChanges: () => tables.takeChanges(),
    *partsOf(type, name) {
      if (type !== 'cluster' && type !== 'listener') return;
      for (const { parts: unitParts, since } of units.values()) {
        const { port } = unitParts;
        if (port === null || !namesOf(type, unitParts).includes(name)) continue;
        const origins = type === 'cluster' ? originsOfPort(port) : port.origins;
        yield { part: '', origins, since: since[type] };
      }
    },
    *contributionsOf(origin) {
      for (const { parts: unitParts, since } of unitsOf(origin)) {
        const isOfListener = unitParts.port?.origins.includes(origin) ?? false;
        for (const type of isOfListener ? (['cluster', 'listener'] as const) : (['cluster'] as const)) {
          for (const name of namesOf(type, unitParts)) yield { layer: key, type, name, since: since[type] };
        }
      }
    },
    dispose() {
      for (const {
        parts: { port },
      } of units.values()) {
        parts.layersByOrigin.remove(key, originsOfPort(port));
      }
      units.dispose();
      listeners.dispose();
    },
  };
}
