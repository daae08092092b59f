import { lookup } from 'node:dns/promises';
import type { Clock } from '../lib/clock.ts';
import { sleep } from '../lib/sleep.ts';

/** Addresses of host names, for instances that are registered by a host name. */
export interface Addresses {
  /** Sets the host names that a user has from now on; none ends its use. New ones are resolved at once. */
  use(user: string, hosts: readonly string[]): void;
  /** Returns the last known addresses, sorted; none before the first answer. */
  of(host: string): readonly string[];
  /** Returns the reason why a host could not be resolved the last time, or null. */
  fault(host: string): string | null;
  /** Reports whether the first answer for a host is still awaited; not for longer than some seconds. */
  isPending(): boolean;
  /** Resolves again at intervals until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface AddressesOptions {
  readonly clock: Clock;
  /** Called when the addresses or the fault of a host changed, with its users. A host without users is forgotten. */
  readonly changed: (host: string, users: readonly string[]) => void;
  /** Resolves a host. Default: the resolver of the system, which reads `/etc/hosts` as well. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** Interval of resolutions of one host. */
const refreshMs = 30_000;
/** Interval while a host cannot be resolved, and of looking for hosts that are due. */
const retryMs = 5_000;
/** Limit for an answer. A later one still counts. */
const answerMs = 3_000;
/** Resolutions that run at once. The system's resolver blocks one of four threads, which files need as well. */
const concurrency = 2;

interface KnownHost {
  readonly users: Set<string>;
  addresses: readonly string[];
  fault: string | null;
  dueAtMs: number;
  /** Time until which the first answer is awaited; 0 once there is one. */
  awaitedUntilMs: number;
}

interface ResolverAnswer {
  /** Absent if there are none to apply. */
  readonly addresses?: readonly string[];
  readonly fault: string | null;
}

/** Caches host names. A host that cannot be resolved again keeps its last addresses. */
export function createAddresses({ clock, changed, resolve = systemResolve }: AddressesOptions): Addresses {
  const known = new Map<string, KnownHost>();
  const hostsOf = new Map<string, readonly string[]>();
  const waiting = new Set<string>();
  let running = 0;
  let hasEnded = false;

  function enqueue(host: string, entry: KnownHost): void {
    entry.dueAtMs = Number.POSITIVE_INFINITY;
    waiting.add(host);
    if (running >= concurrency) return;
    running += 1;
    void work();
  }

  async function work(): Promise<void> {
    for (const host of waiting) {
      waiting.delete(host);
      await refresh(host);
    }
    running -= 1;
  }

  async function refresh(host: string): Promise<void> {
    const entry = known.get(host);
    if (entry === undefined) return;
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const cancel = clock.after(answerMs, () => {
      answered(host, entry, { fault: `no answer within ${answerMs / 1_000} s` });
      giveUp();
    });
    const answer = resolve(host).then(
      (addresses) => answered(host, entry, { addresses, fault: null }),
      (cause: unknown) => answered(host, entry, { fault: cause instanceof Error ? cause.message : String(cause) }),
    );
    await Promise.race([answer, late]);
    cancel();
  }

  function answered(host: string, entry: KnownHost, answer: ResolverAnswer): void {
    if (hasEnded || known.get(host) !== entry) return;
    const before = `${entry.addresses} ${entry.fault}`;
    if (answer.addresses !== undefined) entry.addresses = [...new Set(answer.addresses)].sort();
    entry.fault = answer.fault;
    entry.awaitedUntilMs = 0;
    entry.dueAtMs = clock.now() + (entry.fault === null ? refreshMs : retryMs);
    if (`${entry.addresses} ${entry.fault}` !== before) changed(host, [...entry.users]);
  }

  function release(user: string, host: string): void {
    const entry = known.get(host);
    entry?.users.delete(user);
    if (entry === undefined || entry.users.size > 0) return;
    known.delete(host);
    if (entry.fault !== null) changed(host, []);
  }

  return {
    use(user, hosts) {
      const former = hostsOf.get(user) ?? [];
      if (hosts.length === 0) hostsOf.delete(user);
      else hostsOf.set(user, hosts);
      for (const host of former) if (!hosts.includes(host)) release(user, host);
      for (const host of hosts) {
        const entry = known.get(host) ?? newHost(clock.now());
        entry.users.add(user);
        if (known.has(host)) continue;
        known.set(host, entry);
        enqueue(host, entry);
      }
    },
    of: (host) => known.get(host)?.addresses ?? [],
    isPending: () => [...known.values()].some(({ awaitedUntilMs }) => awaitedUntilMs > clock.now()),
    fault: (host) => known.get(host)?.fault ?? null,
    async run(signal) {
      while (!signal.aborted) {
        await sleep(clock, retryMs, signal);
        if (signal.aborted) break;
        for (const [host, entry] of known) if (entry.dueAtMs <= clock.now()) enqueue(host, entry);
      }
      hasEnded = true;
    },
  };
}

const newHost = (nowMs: number): KnownHost => ({
  users: new Set(),
  addresses: [],
  fault: null,
  dueAtMs: Number.POSITIVE_INFINITY,
  awaitedUntilMs: nowMs + answerMs,
});

async function systemResolve(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
