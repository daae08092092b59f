import { Session } from 'node:inspector/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpRoutes } from './server.ts';
import { ApiError, failure } from './status.ts';

/** Entries of the profiles in the list of debug views. */
export const profileEntries = [
  {
    path: '/debug/pprof/profile',
    about: "a CPU profile of the server, for Chrome's developer tools",
    parameters: { seconds: '1 to 60; 10 if absent' },
  },
  {
    path: '/debug/pprof/heap',
    about: 'what the server allocates meanwhile, by function; no contents',
    parameters: { seconds: '1 to 60; 10 if absent' },
  },
] as const;

const longestSeconds = 60;

/**
 * Serves profiles of the running process, one at a time. Both record for some seconds, and contain names of functions
 * and files only. A profile ends early when its reader leaves.
 */
export function profileRoutes(): HttpRoutes {
  let isRunning = false;
  const [cpu, heap] = profileEntries;

  const record = async (query: unknown, signal: AbortSignal, profile: Profile): Promise<object> => {
    const seconds = secondsOf(query);
    if (isRunning) throw new ApiError(failure('TooManyRequests', 'another profile is being recorded: try again later'));
    isRunning = true;
    const session = new Session();
    session.connect();
    try {
      await profile.start(session);
      await delay(seconds * 1_000, undefined, { signal }).catch(() => {}); // the reader left
      return await profile.stop(session);
    } finally {
      session.disconnect();
      isRunning = false;
    }
  };
  return (server) => {
    for (const [{ path }, profile] of [[cpu, cpuProfile] as const, [heap, heapProfile] as const]) {
      server.get(path, async (request, reply) => {
        const left = new AbortController();
        reply.raw.on('close', () => left.abort());
        const recorded = await record(request.query, left.signal, profile);
        reply.type('application/json; charset=utf-8');
        return recorded;
      });
    }
  };
}

interface Profile {
  start(session: Session): Promise<unknown>;
  stop(session: Session): Promise<object>;
}

const cpuProfile: Profile = {
  async start(session) {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
  },
  stop: async (session) => (await session.post('Profiler.stop')).profile,
};

const heapProfile: Profile = {
  async start(session) {
    await session.post('HeapProfiler.enable');
    await session.post('HeapProfiler.startSampling');
  },
  stop: async (session) => (await session.post('HeapProfiler.stopSampling')).profile,
};

function secondsOf(query: unknown): number {
  const { seconds = '10' } = query as { readonly seconds?: unknown }; // fastify's parser builds a map
  const value = Number(seconds);
  if (value >= 1 && value <= longestSeconds) return value;
  throw new ApiError(failure('BadRequest', `seconds must be 1 to ${longestSeconds}, not "${String(seconds)}"`));
}
