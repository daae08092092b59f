import { lookup } from 'node:dns/promises';
import type { Clock } from '../../src/lib/clock.ts';
import { sleep } from '../../src/lib/sleep.ts';

/** Addresses of instances that are registered by host name. */
export interface Addresses {
  /** Returns the last known addresses. The first call for a host starts its resolution. */
  of(host: string): readonly string[];
  /** Returns the reason why a host has no current addresses, or null. */
  fault(host: string): string | null;
  /** Resolves again at intervals until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface AddressesOptions {
  readonly clock: Clock;
  /** Called when the addresses or the fault of a host changed. */
  readonly changed: (host: string) => void;
  /** Resolves a host; the resolver of the system by default. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

const refreshMs = 30_000;
/** Intervals without a question after which a host is forgotten. */
const forgetAfter = 3;

interface Known {
  addresses: readonly string[];
  fault: string | null;
  unused: number;
}

/** Caches host names. An address that cannot be resolved again keeps its last answer. */
export function createAddresses({ clock, changed, resolve = systemResolve }: AddressesOptions): Addresses {
  const known = new Map<string, Known>();

  async function refresh(host: string): Promise<void> {
    const entry = known.get(host);
    if (entry === undefined) return;
    const before = `${entry.addresses} ${entry.fault}`;
    try {
      entry.addresses = [...(await resolve(host))].sort();
      entry.fault = null;
    } catch (cause) {
      entry.fault = cause instanceof Error ? cause.message : String(cause);
    }
    if (`${entry.addresses} ${entry.fault}` !== before) changed(host);
  }

  return {
    of(host) {
      const entry = known.get(host);
      if (entry !== undefined) {
        entry.unused = 0;
        return entry.addresses;
      }
      known.set(host, { addresses: [], fault: null, unused: 0 });
      void refresh(host);
      return [];
    },
    fault: (host) => known.get(host)?.fault ?? null,
    async run(signal) {
      while (!signal.aborted) {
        await sleep(clock, refreshMs, signal);
        for (const [host, entry] of known) {
          entry.unused += 1;
          if (entry.unused > forgetAfter) known.delete(host);
          else if (!signal.aborted) await refresh(host);
        }
      }
    },
  };
}

async function systemResolve(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
