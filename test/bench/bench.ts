// `npm run bench [-- --quick]`: Binnacle against go-control-plane's linear cache with the same resources, in one run.
// Both serve a mesh of 1,000 services with 10 endpoints each to the load client of test/bench/xdsload. Linux only: the
// figures are read from /proc. docs/benchmarks.md says what is measured and how to read it.

import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { missing } from '../support/parts.ts';
import type { BenchMesh } from './bench-mesh.ts';
import { type BenchServer, startBinnacle, startLinear } from './bench-servers.ts';
import { startLoadClient } from './load-client.ts';
import { type Figures, runScenario, type Scenario } from './scenario.ts';
import { type Outcome, tableOf } from './table.ts';

const wholeRunTimeoutMs = 20 * 60_000;

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    services: { type: 'string', default: '1000' },
    endpoints: { type: 'string', default: '10' },
    streams: { type: 'string' },
    changes: { type: 'string', default: '20' },
  },
});

const reason = missing('xdsload') ?? missing('gcpserver') ?? (process.platform === 'linux' ? null : 'Linux is needed');
if (reason !== null) endRun(reason);
setTimeout(() => endRun('the run took too long'), wholeRunTimeoutMs).unref();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => endRun(`ended by ${signal}`));

const mesh = { services: Number(flags.services), endpoints: Number(flags.endpoints) };
const saved = await mkdtemp(join(tmpdir(), 'binnacle-bench-'));
try {
  process.stdout.write(
    `${mesh.services} services × ${mesh.endpoints} endpoints, ${cpus().length} × ${cpus()[0]?.model}\n`,
  );
  await saveResources(mesh, saved);
  const outcomes: Outcome[] = [];
  for (const scenario of scenarios()) outcomes.push(await compare(scenario));
  process.stdout.write(`\n${tableOf(outcomes)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
} finally {
  await rm(saved, { recursive: true, force: true });
}

function scenarios(): Scenario[] {
  const numbers = flags.streams?.split(',').map(Number) ?? (flags.quick ? [100] : [100, 500]);
  const changes = Number(flags.changes);
  return numbers.flatMap((streams) => (['delta', 'sotw'] as const).map((mode) => ({ mode, streams, changes })));
}

/** Keeps what Binnacle serves, so that the other server serves the very same bytes. */
async function saveResources(of: BenchMesh, folder: string): Promise<void> {
  const server = await startBinnacle(of);
  try {
    const load = await startLoadClient({ mode: 'sotw', xdsPort: server.xdsPort, streams: 1, saveTo: folder });
    await load.stop();
    if (load.edsNames !== of.services) {
      throw new Error(`${load.edsNames} clusters are served, ${of.services} were registered`);
    }
  } finally {
    await server.stop();
  }
}

/** Both servers one after the other, each freshly started: memory's high-water mark cannot be taken back. */
async function compare(scenario: Scenario): Promise<Outcome> {
  const binnacle = await figuresOf(() => startBinnacle(mesh), scenario);
  const linear = await figuresOf(() => startLinear(saved), scenario);
  return { scenario, binnacle, linear };
}

async function figuresOf(start: () => Promise<BenchServer>, scenario: Scenario): Promise<Figures> {
  const server = await start();
  process.stdout.write(`${scenario.mode}, ${scenario.streams} streams: ${server.name} …\n`);
  try {
    return await runScenario(server, scenario);
  } finally {
    await server.stop();
  }
}

/** Leaves at once; the programs that were started end with this process (test/support/child.ts). */
function endRun(why: string): never {
  process.stderr.write(`bench: ${why}\n`);
  process.exit(1);
}
