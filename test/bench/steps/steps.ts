import { createCompiler } from '../../../src/compile/compiler.ts';
import type { WorldChange } from '../../../src/compile/contract.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Coordinator } from '../../../src/push/coordinator.ts';
import { unobserved } from '../../../src/push/observer.ts';
import { createStream } from '../../../src/xds/stream/stream.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { endpoint } from '../../support/model.ts';
import { endpointsOf, proxy, service } from '../../support/world.ts';

/*
 * Measures how long one change blocks the event loop, without streams: `node test/bench/steps/steps.ts`. Run it on an
 * idle machine; docs/benchmarks.md has the figures.
 */
const web = service('web');
const db = service('db', { ports: [{ name: 'tcp', number: 9000, protocol: 'tcp' }], headless: true });
const address = (index: number) => `10.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
const addresses = (count: number) => Array.from({ length: count }, (_, index) => address(index));

/** Creates a coordinator with clients that never read, and measures its turns. */
async function program(clients: readonly string[], ...world: readonly WorldChange[]) {
  const waiting = [...world];
  const coordinator = new Coordinator({
    compiler: createCompiler(),
    take: () => waiting.splice(0),
    clock: fakeClock(),
    log: silentLogger,
    observer: unobserved,
    timing: { endpointQuietMs: 0, quietMs: 0, maxMs: 0 },
    defer: (run) => void setImmediate(run),
    elapsed: () => performance.now(),
  });
  await coordinator.flush();
  for (const [index, ip] of clients.entries()) {
    const outlet = { writable: false, write: () => {}, end: () => {} };
    const id = `sidecar~${ip}~web-${index}.default~default.svc.cluster.local`;
    const of = proxy({ id, addresses: [ip] });
    coordinator.connect({ id, proxy: of, stream: createStream('delta'), peer: 'bench', outlet });
  }
  await coordinator.flush();
  /** Returns the longest turn of the event loop and the duration of a whole flush, in milliseconds of CPU time. */
  const change = async (...changes: readonly WorldChange[]) => {
    waiting.push(...changes);
    let [longest, isDone] = [0, false];
    const began = cpuMs();
    let turn = began;
    const flushed = coordinator.flush().then(() => {
      isDone = true;
    });
    do {
      await new Promise((resolve) => setImmediate(resolve));
      longest = Math.max(longest, cpuMs() - turn);
      turn = cpuMs();
    } while (!isDone);
    await flushed;
    return { longest, total: cpuMs() - began };
  };
  return { change };
}

/** CPU time of the process: other load on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const set = (of: typeof web, ips: readonly string[], ports: Record<string, number>): WorldChange => ({
  type: 'endpoints',
  set: endpointsOf(
    of,
    ips.map((ip) => knownEndpoint(ip, ports)),
  ),
});
const known = new Map<string, ReturnType<typeof endpoint>>();
/** Returns one object per endpoint, as the registry keeps the identity of unchanged endpoints. */
function knownEndpoint(ip: string, ports: Record<string, number>) {
  const key = `${ip} ${JSON.stringify(ports)}`;
  const made = known.get(key) ?? endpoint(ip, { ports });
  known.set(key, made);
  return made;
}

async function median(rounds: number, run: (round: number) => Promise<{ longest: number; total: number }>) {
  const figures: { longest: number; total: number }[] = [];
  for (let round = 0; round < rounds; round++) figures.push(await run(round));
  const middle = (key: 'longest' | 'total') => figures.map((it) => it[key]).sort((a, b) => a - b)[rounds >> 1] ?? 0;
  return `longest turn ${middle('longest').toFixed(1)} ms, all ${middle('total').toFixed(1)} ms`;
}

for (const count of [1_000, 2_000]) {
  const ips = addresses(count);
  const serving = { http: 8080 };
  const { change } = await program(ips, { type: 'service', service: web }, set(web, ips, serving));
  const lost = (round: number) => change(set(web, round % 2 === 0 ? ips.slice(1) : ips, serving));
  console.log(`${count} proxies of one service, one endpoint comes or goes: ${await median(11, lost)}`);
  const older = (round: number) => change({ type: 'service', service: { ...web, createdAtMs: round } });
  console.log(`${count} proxies of one service, the service changes: ${await median(11, older)}`);
}
for (const count of [500, 2_000]) {
  const ips = addresses(count);
  const serving = { tcp: 9000 };
  const { change } = await program(['10.99.0.1'], { type: 'service', service: db }, set(db, ips, serving));
  const lost = (round: number) => change(set(db, round % 2 === 0 ? ips.slice(1) : ips, serving));
  console.log(`a headless service of ${count}, one endpoint comes or goes: ${await median(11, lost)}`);
}
