import { setTimeout as delay } from 'node:timers/promises';
import { type Mode, startLoadClient } from '../load-client.ts';
import { cpuSecondsWhenQuiet, residentBytes } from '../process-figures.ts';
import type { BenchServer } from '../servers/contract.ts';

const settleMs = 2_000;
/** Slow enough to avoid a backlog, whose memory would count for idle streams. */
const perSecond = 200;

/**
 * Memory of an idle stream in bytes: the growth by the second half of the streams. This excludes the program and its
 * tables.
 */
export async function idleStreamBytes(server: BenchServer, mode: Mode, streams: number): Promise<number> {
  const half = Math.floor(streams / 2);
  const connect = (pods: string) => startLoadClient({ mode, xdsPort: server.xdsPort, streams: half, perSecond, pods });
  const early = await connect('early');
  try {
    const before = await settledBytes(server.pid);
    const late = await connect('late');
    try {
      return ((await settledBytes(server.pid)) - before) / half;
    } finally {
      await late.stop();
    }
  } finally {
    await early.stop();
  }
}

async function settledBytes(pid: number): Promise<number> {
  await cpuSecondsWhenQuiet(pid);
  await delay(settleMs);
  return residentBytes(pid);
}
