import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { type ConfigDump, type Envoy, startEnvoy } from '../../support/envoy.ts';
import { sidecarBootstrap } from '../../support/envoy-bootstrap.ts';
import { eventually } from '../../support/eventually.ts';
import { get } from '../../support/http.ts';
import { createMeshDir } from '../../support/mesh-dir.ts';
import { freePorts } from '../../support/ports.ts';
import { type Random, randomOf } from '../load/random.ts';
import {
  type DumpContents,
  differences,
  dumpContents,
  type QuietPoint,
  type RejectedPart,
  type Since,
  unlikeParts,
} from './dumps.ts';
import { createJudged, type Judged } from './mesh.ts';

export interface JudgePlan {
  readonly seed: number;
  /** Stops after this many quiet points, or at the first one after `forMs`. */
  readonly quietPoints: number;
  readonly forMs: number;
}

export interface JudgeOutcome {
  /** Summary for people. */
  readonly done: string;
  /** Empty when each Envoy had the expected resources at every quiet point. The first problem ends the run. */
  readonly problems: readonly string[];
}

/** Time limit until the mesh is quiet. Longer than the control plane waits for a proxy that does not answer (30 s). */
const quietWithinMs = 45_000;

/**
 * Changes services and rules at random, and freezes and restarts real Envoys (SotW and delta, one scope) and the
 * control plane. At quiet points, compares each Envoy's resources with the expected ones.
 */
export async function runJudge(plan: JudgePlan, report: (line: string) => void): Promise<JudgeOutcome> {
  const random = randomOf(plan.seed);
  const stage = await openStage(random);
  const endsAtMs = performance.now() + plan.forMs;
  const counts = { points: 0, steps: 0 };
  const outcome = (problems: readonly string[]): JudgeOutcome => ({
    done: `${counts.points} quiet points, ${counts.steps} steps, ${stage.rejections()} rejected responses in the log`,
    problems,
  });
  try {
    while (counts.points < plan.quietPoints && performance.now() < endsAtMs) {
      const steps: string[] = [];
      for (let left = 2 + random.below(9); left > 0; left--) steps.push(await stage.step(random));
      counts.steps += steps.length;
      const found = await stage.quiet();
      if (found.length > 0) {
        const since = steps.map((text) => `  ${text}`).join('\n');
        return outcome([`at quiet point ${counts.points + 1}, after\n${since}`, ...found, ...stage.logs()]);
      }
      counts.points++;
      report(`${counts.points}: ${steps.join('; ')}`);
    }
    return outcome(await stage.compareWithFresh());
  } finally {
    await stage.close();
  }
}

interface Stage {
  /** Performs one random step. Resolves with its description. */
  step(random: Random): Promise<string>;
  /**
   * Resumes everything, and waits until each Envoy has the expected resources. Resolves with the differences after the
   * time limit.
   */
  quiet(): Promise<readonly string[]>;
  /** Checks that a control plane that starts now compiles the same resources. */
  compareWithFresh(): Promise<readonly string[]>;
  rejections(): number;
  logs(): readonly string[];
  close(): Promise<void>;
}

interface Client {
  readonly name: string;
  readonly protocol: 'sotw' | 'delta';
  envoy: Envoy;
  isFrozen: boolean;
  before: QuietPoint | null;
  since: Since;
}

async function openStage(random: Random): Promise<Stage> {
  const [mesh, [httpPort = 0, xdsPort = 0, ...ports]] = await Promise.all([createMeshDir(), freePorts(5)]);
  const judged = createJudged(mesh, ports);
  await judged.begin(random);
  await judged.mark();
  const args = ['--mesh-dir', mesh.path];
  const dataDir = await mkdtemp(join(tmpdir(), 'binnacle-judge-'));
  let plane: ControlPlane = await startControlPlane({ httpPort, xdsPort, dataDir, args });
  const ended = { logs: [] as string[], rejections: 0 };
  const clients: Client[] = [];
  const endPlane = async (how: 'stop' | 'kill') => {
    await plane[how]();
    for (const client of clients) {
      if (client.since !== 'memory-lost') client.since = how === 'kill' ? 'memory-lost' : 'restarted';
    }
    ended.logs.push(plane.child.logFile);
    ended.rejections += rejectionsIn(plane);
  };
  const startPlane = async () => {
    plane = await startControlPlane({ httpPort, xdsPort, dataDir, args });
  };
  const connect = (name: string, protocol: 'sotw' | 'delta') => {
    const { layered_runtime: _, ...bootstrap } = sidecarBootstrap({ xdsPort, protocol, name }) as {
      layered_runtime?: object; // the shape of Envoy's bootstrap
    };
    return startEnvoy({ bootstrap, name: `judged-${name}`, waitReady: false, logLevel: 'warning' });
  };
  for (const protocol of ['sotw', 'delta'] as const) {
    const name = protocol;
    clients.push({
      name,
      protocol,
      envoy: await connect(name, protocol),
      isFrozen: false,
      before: null,
      since: 'went-on',
    });
  }

  const thaw = (client: Client) => {
    if (client.isFrozen) client.envoy.child.signal('SIGCONT');
    client.isFrozen = false;
  };
  const upset = {
    freeze(random: Random) {
      const client = random.of(clients);
      if (client.isFrozen) thaw(client);
      else {
        client.envoy.child.signal('SIGSTOP');
        client.isFrozen = true;
      }
      return `${client.name}: ${client.isFrozen ? 'frozen' : 'goes on'}`;
    },
    async restart(random: Random) {
      const client = random.of(clients);
      thaw(client);
      await client.envoy.child.kill();
      client.envoy = await connect(client.name, client.protocol);
      if (client.since === 'went-on') client.since = 'restarted';
      return `${client.name}: restarted`;
    },
    async plane(random: Random) {
      if (!plane.child.running) {
        await startPlane();
        return 'control plane: started';
      }
      const how = random.of(['stop', 'kill'] as const);
      await endPlane(how);
      return `control plane: ${how}`;
    },
  };

  const quiet = async (): Promise<readonly string[]> => {
    for (const client of clients) thaw(client);
    if (!plane.child.running) await startPlane();
    const mark = await judged.mark();
    let found: readonly string[] = ['nothing was read'];
    const isSo = async () => {
      found = (await Promise.all(clients.map((client) => judge(plane, client, mark)))).flat();
      return found.length === 0;
    };
    await eventually(isSo, { what: 'no difference', timeoutMs: quietWithinMs, everyMs: 100 }).catch((error: Error) => {
      if (found[0] === 'nothing was read') found = [`${error.message}: ${error.cause}`];
    });
    return found;
  };

  return {
    step: (random) => stepOf(random, judged, upset),
    quiet,
    async compareWithFresh() {
      await judged.removeInvalid();
      const last = await quiet();
      if (last.length > 0) return ['at the end', ...last];
      const before = await compiledFor(plane, clients[0]);
      await endPlane('stop');
      await startPlane();
      const found = await quiet();
      if (found.length > 0) return ['after the last restart', ...found];
      const after = await compiledFor(plane, clients[0]);
      const [want, has] = [after, before].map(unmarked) as [DumpContents, DumpContents]; // of two
      return unlikeParts({ want, has }).map(
        (text) => `a control plane that begins now compiles something else: ${text}`,
      );
    },
    rejections: () => ended.rejections + rejectionsIn(plane),
    logs: () => [...ended.logs, plane.child.logFile, ...clients.map(({ envoy }) => envoy.child.logFile)],
    async close() {
      for (const client of clients) thaw(client);
      await Promise.all(clients.map(({ envoy }) => envoy.child.kill()));
      await plane.kill();
      await Promise.all([mesh.delete(), rm(dataDir, { recursive: true, force: true })]);
    },
  };
}

async function stepOf(
  random: Random,
  judged: Judged,
  upset: {
    freeze(random: Random): string;
    restart(random: Random): Promise<string>;
    plane(random: Random): Promise<string>;
  },
): Promise<string> {
  const dice = random.below(20);
  if (dice === 0) return upset.plane(random);
  if (dice === 1) return upset.restart(random);
  if (dice <= 3) return upset.freeze(random);
  // Part of the script, not a wait: changes arrive together or separately.
  if (dice <= 7) {
    const ms = 10 + random.below(random.chance(0.2) ? 1_500 : 150);
    await pause(ms);
    return `${ms} ms`;
  }
  return judged.change(random);
}

/** Returns the current differences of one Envoy. */
async function judge(plane: ControlPlane, client: Client, mark: string): Promise<readonly string[]> {
  const say = (texts: readonly string[]) => texts.map((text) => `${client.name}: ${text}`);
  if (!client.envoy.child.running) return say([`Envoy ended with ${await client.envoy.child.exited}`]);
  const nodeId = nodeIdOf(client);
  const { body } = await get(plane.httpPort, { path: '/debug/syncz' });
  const mine = (JSON.parse(body) as Synced[]).filter(({ proxy }) => proxy === nodeId);
  if (mine.length !== 1 || mine[0] === undefined) return say([`${mine.length} streams`]);
  const { isSynced, types } = mine[0];
  const compiled = await compiledFor(plane, client);
  if (!compiled.includes(mark)) return say(['the last change is not compiled']);
  const has = dumpContents(await client.envoy.configDump());
  const rejected = Object.values(types).flatMap((type) => type.rejected ?? []);
  const want = dumpContents(JSON.parse(compiled) as ConfigDump);
  const found = differences({ want, has, rejected, before: client.before, since: client.since });
  const pending = Object.entries(types).filter(([, { state }]) => state === 'PENDING');
  const all = [
    ...(isSynced === (rejected.length === 0) ? [] : [`/debug/syncz says that it has ${isSynced ? '' : 'not '}all`]),
    ...pending.map(([type]) => `${type} is PENDING`),
    ...found,
  ];
  if (all.length === 0) Object.assign(client, { before: { want, has }, since: 'went-on' });
  return say(all);
}

interface Synced {
  readonly proxy: string;
  readonly isSynced: boolean;
  readonly types: Readonly<Record<string, { readonly state: string; readonly rejected?: readonly RejectedPart[] }>>;
}

const nodeIdOf = ({ name }: Client): string => `sidecar~10.0.0.1~${name}.default~default.svc.cluster.local`;

async function compiledFor(plane: ControlPlane, client: Client | undefined): Promise<string> {
  if (client === undefined) throw new Error('there are clients');
  const path = `/debug/config_dump?proxyID=${encodeURIComponent(nodeIdOf(client))}`;
  return (await get(plane.httpPort, { path })).body;
}

const unmarked = (dump: string): DumpContents =>
  dumpContents(JSON.parse(dump.replaceAll(/mark-\d+/g, 'mark')) as ConfigDump);

const rejectionsIn = ({ child }: ControlPlane): number => child.stderr().split('rejected by proxy').length - 1;
