import { Counter, collectDefaultMetrics, Gauge, Registry as MetricsRegistry } from 'prom-client';
import type { Coordinator } from '../push/coordinator.ts';
import type { PushObserver } from '../push/observer.ts';
import type { LiveRuleStatuses } from '../push/status/statuses.ts';
import type { Registry } from '../registry/contract.ts';
import { type EventLoopWatch, measureEventLoop } from './event-loop.ts';
import { pushMetrics, type Registers, secondsOf, watchPush } from './push-metrics.ts';

/** Metrics at `/metrics`. Names begin with `binnacle_`; docs/operations.md lists them and which to watch. */
export interface Metrics {
  readonly observer: PushObserver;
  /**
   * Creates counters for gRPC clients. `reasons` lists every reason for closing a connection or call because of its
   * client.
   */
  rpcObserver(reasons: readonly string[]): RpcMetrics;
  /** Creates counters for rejected HTTP requests. `reasons` lists every reason. */
  httpObserver(reasons: readonly string[]): HttpMetrics;
  /** Creates counters for the authentication of xDS clients. The lists have every value of the labels. */
  authenticationObserver(results: readonly string[], verdicts: readonly string[]): AuthenticationMetrics;
  /** Creates the counters of an adapter. */
  adapterObserver(adapter: string): AdapterMetrics;
  /** Adds the metrics that are read from current state on each scrape. */
  watch(sources: MetricSources): void;
  /** Renders the text format of Prometheus. */
  text(): Promise<string>;
  stop(): void;
}

interface RpcMetrics {
  cutOff(reason: string): void;
  ended(code: string): void;
  logLineDropped(): void;
}

interface AuthenticationMetrics {
  authenticated(result: string): void;
  reviewed(verdict: string): void;
}

interface AdapterMetrics {
  /** Counts the instances that are removed because their heartbeats stopped. */
  leases(): { expired(): void };
  /** Counts what happens to watched kinds of objects. The lists have every value of the labels. */
  watches(kinds: readonly string[], relistReasons: readonly string[]): WatchMetrics;
}

interface WatchMetrics {
  ignored(kind: string): void;
  differed(kind: string, objects: number): void;
  relisted(reason: string): void;
}

export interface HttpMetrics {
  refused(reason: string): void;
  /** Records whether the current access file is in use. */
  accessFile(isGood: boolean): void;
}

export interface MetricSources {
  readonly coordinator: Coordinator;
  readonly registry: Registry;
  readonly ruleProblems: LiveRuleStatuses['problemCounts'];
}

export function createMetrics(): Metrics {
  const register = new MetricsRegistry();
  const registers = [register];
  collectProcessMetrics(register);
  const eventLoop = watchEventLoop(registers);
  const expired = new Counter({
    name: 'binnacle_expired_leases_total',
    help: 'Registered instances that were taken out because their heartbeats stopped',
    labelNames: ['adapter'],
    registers,
  });
  const watches = watchMetrics(registers);
  return {
    observer: pushMetrics(registers),
    rpcObserver: (reasons) => rpcMetrics(reasons, registers),
    httpObserver(reasons) {
      const help = 'HTTP requests that were not let in';
      return {
        refused: countBy('binnacle_http_refusals_total', help, { label: 'reason', values: reasons, registers }),
        accessFile: accessFileGauge(registers),
      };
    },
    authenticationObserver: (results, verdicts) => ({
      authenticated: countBy(
        'binnacle_xds_authentications_total',
        'Calls of xDS clients that had to prove who they are, by the proof that counted or the fault',
        { label: 'result', values: results, registers },
      ),
      reviewed: countBy(
        'binnacle_token_reviews_total',
        'Reviews of tokens that an API server was asked for; calls with a known token need none',
        { label: 'verdict', values: verdicts, registers },
      ),
    }),
    adapterObserver: (adapter) => ({
      leases() {
        expired.inc({ adapter }, 0);
        return { expired: () => expired.inc({ adapter }) };
      },
      watches: (kinds, reasons) => watches(adapter, kinds, reasons),
    }),
    watch({ coordinator, registry, ruleProblems }) {
      watchPush(coordinator, registers);
      watchRegistry(registry, registers);
      watchRules(ruleProblems, registers);
    },
    text: () => register.metrics(),
    stop: () => eventLoop.stop(),
  };
}

/** Creates the gauge on the first report, so it is absent without an access file. */
function accessFileGauge(registers: Registers): (isGood: boolean) => void {
  const name = 'binnacle_access_file_good';
  const help = '1 if the access file is in use as it is, 0 if an earlier one is as it is wrong';
  const gauge = new Gauge({ name, help, registers });
  return (isGood) => gauge.set(isGood ? 1 : 0);
}

function countBy(
  name: string,
  help: string,
  {
    label,
    values,
    registers,
  }: { readonly label: string; readonly values: readonly string[]; readonly registers: Registers },
): (value: string) => void {
  const counter = new Counter({ name, help, labelNames: [label], registers });
  for (const value of values) counter.inc({ [label]: value }, 0); // a rate needs an initial value
  return (value) => counter.inc({ [label]: value });
}

/** Returns the counters of an adapter that watches kinds of objects. */
function watchMetrics(registers: Registers) {
  const counter = (name: string, help: string, label: string) =>
    new Counter({ name: `binnacle_kubernetes_${name}_total`, help, labelNames: ['adapter', label], registers });
  const ignored = counter('ignored_events', 'Events that changed nothing that is used', 'kind');
  const differences = counter(
    'differences',
    'Objects that differed from the list of an API server and were repaired',
    'kind',
  );
  const relists = counter('relists', 'Kinds that were listed again', 'reason');
  return (adapter: string, kinds: readonly string[], reasons: readonly string[]): WatchMetrics => {
    for (const kind of kinds) for (const one of [ignored, differences]) one.inc({ adapter, kind }, 0);
    for (const reason of reasons) relists.inc({ adapter, reason }, 0);
    return {
      ignored: (kind) => ignored.inc({ adapter, kind }),
      differed: (kind, objects) => differences.inc({ adapter, kind }, objects),
      relisted: (reason) => relists.inc({ adapter, reason }),
    };
  };
}

function rpcMetrics(reasons: readonly string[], registers: Registers): RpcMetrics {
  const calls = new Counter({
    name: 'binnacle_rpc_calls_total',
    help: 'Calls that the server ended, by their status',
    labelNames: ['code'],
    registers,
  });
  for (const code of ['OK', 'INVALID_ARGUMENT', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED']) calls.inc({ code }, 0);
  const dropped = new Counter({
    name: 'binnacle_rpc_log_lines_dropped_total',
    help: 'Lines about clients that were not logged, as there were too many about their address',
    registers,
  });
  return {
    cutOff: countBy('binnacle_rpc_cut_offs_total', 'Connections and calls that were ended because of their client', {
      label: 'reason',
      values: reasons,
      registers,
    }),
    ended: (code) => calls.inc({ code }),
    logLineDropped: () => dropped.inc(),
  };
}

function watchRegistry(registry: Registry, registers: Registers): void {
  new Gauge({
    name: 'binnacle_adapter_state',
    help: '1 for the state that an adapter is in',
    labelNames: ['adapter', 'state'],
    registers,
    collect() {
      this.reset(); // shards of clusters come and go
      for (const shard of registry.shards()) {
        for (const state of ['syncing', 'synced', 'degraded', 'stale']) {
          this.set({ adapter: shard.name, state }, shard.state === state ? 1 : 0);
        }
      }
    },
  });
  new Gauge({
    name: 'binnacle_registrations_left_out',
    help: 'Services whose registered instances do not count, as another adapter defines them',
    registers,
    collect() {
      this.set(registry.excludedRegistrations().size);
    },
  });
  const counts = [
    ['services', 'Services of an adapter that can be called', 'services'],
    ['empty_services', 'Services of an adapter without an endpoint that is well', 'emptyServices'],
    ['endpoints', 'Endpoints of an adapter', 'endpoints'],
    ['refused_entries', 'Entries of an adapter that are wrong and left out', 'refused'],
  ] as const;
  for (const [name, help, field] of counts) {
    new Gauge({
      name: `binnacle_adapter_${name}`,
      help,
      labelNames: ['adapter'],
      registers,
      collect() {
        this.reset();
        for (const shard of registry.shards()) this.set({ adapter: shard.name }, shard[field]);
      },
    });
  }
}

function watchRules(ruleProblems: LiveRuleStatuses['problemCounts'], registers: Registers): void {
  new Gauge({
    name: 'binnacle_rule_problems',
    help: 'Rules that do nothing, wholly or in part, by the reason that their status gives',
    labelNames: ['kind', 'reason'],
    registers,
    async collect() {
      const counts = await ruleProblems();
      this.reset();
      for (const { kind, reason, objects } of counts) this.set({ kind, reason }, objects);
    },
  });
}

/**
 * Metrics of prom-client's event loop timer, which cannot be disabled. They are removed and the timer is slowed down.
 */
const sampledMetrics = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
  (figure) => `binnacle_nodejs_eventloop_lag_${figure}_seconds`,
);
const neverMs = 2 ** 31 - 1;

function collectProcessMetrics(register: MetricsRegistry): void {
  collectDefaultMetrics({ register, prefix: 'binnacle_', eventLoopMonitoringPrecision: neverMs });
  for (const name of sampledMetrics) register.removeSingleMetric(name);
}

function watchEventLoop(registers: Registers): EventLoopWatch {
  const eventLoop = measureEventLoop();
  new Gauge({
    name: 'binnacle_event_loop_delay_max_seconds',
    help: 'The longest that the event loop stood still since the last reading',
    registers,
    collect() {
      this.set(secondsOf(eventLoop.takeLongestMs()));
    },
  });
  return eventLoop;
}
