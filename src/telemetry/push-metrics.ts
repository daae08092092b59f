import { Counter, Gauge, Histogram, type Registry as MetricsRegistry } from 'prom-client';
import { type NamedType, namedTypes, type XdsType, xdsTypes } from '../proto/resource.ts';
import type { Coordinator } from '../push/coordinator.ts';
import type { PushObserver } from '../push/observer.ts';
import { createPlainHistogram } from './histogram.ts';

export type Registers = MetricsRegistry[];

export const secondsOf = (ms: number) => ms / 1000;
const responseBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Creates the metrics of responses, flushes and clients, with the observer that counts them. */
export function pushMetrics(registers: Registers): PushObserver {
  /**
   * Sums locally and updates the counter on each scrape, because some values change with each response of each stream.
   */
  const byType = (
    name: string,
    help: string,
    types: readonly (XdsType | NamedType)[] = [...xdsTypes, ...namedTypes],
  ): Record<XdsType | NamedType, number> => {
    const uncounted = { cluster: 0, endpoint: 0, listener: 0, route: 0, secret: 0, 'virtual-host': 0, extension: 0 };
    new Counter({
      ...{ name, help, labelNames: ['type'], registers },
      collect() {
        for (const type of types) {
          this.inc({ type }, uncounted[type]); // an initial zero: a rate needs a first value
          uncounted[type] = 0;
        }
      },
    });
    return uncounted;
  };
  const pushes = byType('binnacle_pushes_total', 'Responses sent');
  const bytes = byType('binnacle_push_bytes_total', 'Bytes of responses sent');
  const nacks = byType('binnacle_nacks_total', 'Responses that proxies rejected');
  const released = byType(
    'binnacle_deferred_removals_forced_total',
    'Removals sent before listeners and routes let go of them',
    xdsTypes,
  );
  const clients = new Gauge({ name: 'binnacle_clients', help: 'Connected streams', labelNames: ['mode'], registers });
  const refused = new Counter({
    name: 'binnacle_clients_refused_total',
    help: 'Streams and fetches of peers that have as many scopes as they may',
    registers,
  });
  const convergence = createPlainHistogram({
    name: 'binnacle_convergence_seconds',
    help: 'From a change coming in to its acknowledgement by a proxy',
    bounds: responseBuckets,
    registers,
  });
  const fetches = new Counter({
    name: 'binnacle_fetches_total',
    help: 'Requests answered without a stream',
    labelNames: ['type', 'answer'],
    registers,
  });
  for (const type of xdsTypes) for (const answer of ['resources', 'unchanged']) fetches.inc({ type, answer }, 0);
  const flushes = new Histogram({
    name: 'binnacle_flush_seconds',
    help: 'Work of a flush, without the pauses in between',
    buckets: responseBuckets,
    registers,
  });
  const work = new Counter({
    name: 'binnacle_flush_work_total',
    help: 'Parts worked on',
    labelNames: ['part'],
    registers,
  });
  const parts = {
    hosts: work.labels('hosts_compiled'),
    encoded: work.labels('resources_encoded'),
    assembled: work.labels('resources_assembled'),
    resources: work.labels('resources_changed'),
  };
  return {
    connected: (client) => clients.inc({ mode: client.stream.mode }),
    disconnected: (client) => clients.dec({ mode: client.stream.mode }),
    refused: () => refused.inc(),
    sent(_client, response) {
      pushes[response.type]++;
      bytes[response.type] += response.byteLength;
    },
    acknowledged(_client, _response, convergenceMs) {
      if (convergenceMs !== null) convergence(secondsOf(convergenceMs));
    },
    rejected(_client, type) {
      nacks[type]++;
    },
    forcedRelease(type, names) {
      released[type] += names;
    },
    fetched(type, isKnown) {
      fetches.inc({ type, answer: isKnown ? 'unchanged' : 'resources' });
    },
    flushed(flush) {
      flushes.observe(secondsOf(flush.workMs));
      parts.hosts.inc(flush.work.hostsCompiled);
      parts.encoded.inc(flush.work.encoded);
      parts.assembled.inc(flush.work.assembled);
      parts.resources.inc(flush.resources);
    },
  };
}

/** Adds gauges of the tables, which are read from current state on each scrape. */
export function watchPush({ layers, context, unanswered }: Coordinator, registers: Registers): void {
  new Gauge({
    name: 'binnacle_table_resources',
    help: 'Resources in the tables of all layers',
    labelNames: ['type'],
    registers,
    collect() {
      for (const type of xdsTypes) {
        let sum = 0;
        for (const layer of layers.all()) sum += layer.tables[type].size;
        this.set({ type }, sum);
      }
    },
  });
  new Gauge({
    name: 'binnacle_unanswered_responses',
    help: 'Responses that proxies neither acknowledged nor rejected for 30 seconds',
    labelNames: ['type'],
    registers,
    collect() {
      for (const type of xdsTypes) this.set({ type }, unanswered.count(type));
    },
  });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('binnacle_table_bytes', 'Bytes of the records in the tables of all layers', () =>
    [...layers.all()].flatMap(({ tables }) => xdsTypes.map((type) => tables[type].bytes)).reduce((a, b) => a + b, 0),
  );
  gauge('binnacle_layers', 'Scopes and workload groups', () => [...layers.all()].length);
  gauge('binnacle_interests', 'Different subscriptions', () => context.interests.size);
  gauge('binnacle_revision', 'Flushes that changed something', () => context.revision);
}
