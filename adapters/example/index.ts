// The smallest real adapter: it polls a list of services, which is a JSON file or the answer of an HTTP server. Copy this
// folder to begin an adapter of your own; docs/adapters.md says what is asked of it.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type AdapterContext, defineAdapter, type ShardSink } from '../../src/adapter-contract/adapter.ts';
import { backoffMs } from '../../src/lib/backoff.ts';
import { sleep } from '../../src/lib/sleep.ts';
import { translate } from './translate.ts';

// Keys of the adapter in binnacle.yaml. The program adds `type`, `name`, `required` and `syncTimeoutSeconds`.
// `npm run reference` writes the descriptions to docs/configuration.md.
const config = z.strictObject({
  source: z
    .string()
    .min(1)
    .describe(
      'JSON list of services: a URL, or a file relative to the working directory (adapters/example/services.json)',
    ),
  pollSeconds: z.number().positive().default(5).meta({ form: 'seconds' }).describe('interval between two readings'),
});

type ExampleConfig = z.infer<typeof config>;

/** Limit of a request. Without one, a server that never answers would leave the shard silently out of date. */
const requestTimeoutMs = 10_000;

/** List of services in a JSON file or behind a URL. */
export const example = defineAdapter<ExampleConfig>({
  // `type` in binnacle.yaml. The definition is listed in adapters/index.ts.
  kind: 'example',
  config,
  // Called once per start with valid settings. It does nothing before `run`.
  create: (settings, context) => ({ run: (sink, signal) => poll(settings, context, sink, signal) }),
});

/** Reads the source until `signal` aborts. It returns only then: failures of the platform are reported and retried. */
async function poll(
  { source, pollSeconds }: ExampleConfig,
  { clock, log }: AdapterContext,
  sink: ShardSink,
  signal: AbortSignal,
): Promise<void> {
  /** Text that the shard was made of; null: the next reading must be a full listing. */
  let applied: string | null = null;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const text = await read(source, signal);
      // An unchanged list changes nothing, so most polls cost a comparison.
      if (text !== applied) {
        const { contents, mistakes } = translate(text);
        // `replace` compares with the last listing, so a poll needs no differences of its own. It also ends `syncing` and
        // `degraded`, and clears earlier problems: those of this listing follow it.
        sink.replace(contents);
        for (const { origin, message } of mistakes) {
          sink.problem(`${source} ${origin}`, message);
          log.warn({ source, origin, reason: message }, 'entry left out');
        }
      }
      applied = text;
      failures = 0;
    } catch (cause) {
      if (signal.aborted) return; // the end of the program ended the request
      // The last good contents stay in use. An operator reads the reason at /readyz, /debug/adapterz and in the log.
      const why = cause instanceof Error ? cause.message : String(cause);
      sink.degraded(`${source} cannot be read (${why}); start it, or correct the adapter's source`);
      applied = null; // only `replace` ends `degraded`
      failures += 1;
    }
    const retryMs = backoffMs(failures, { baseMs: 500, maxMs: 30_000 }); // with jitter, so that replicas differ
    await sleep(clock, failures === 0 ? pollSeconds * 1_000 : retryMs, signal);
  }
}

/** Returns the text of the source. Rejects if the source is missing, refuses, or takes too long. */
async function read(source: string, signal: AbortSignal): Promise<string> {
  if (!/^https?:/.test(source)) return readFile(source, { encoding: 'utf8', signal });
  const response = await fetch(source, { signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]) });
  const text = await response.text(); // read in any case, or the connection stays open
  if (!response.ok) throw new Error(`status ${response.status}`);
  return text;
}
