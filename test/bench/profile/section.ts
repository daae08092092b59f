import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchPlan, RulesPlan, SectionName } from '../flags.ts';
import { type CpuTime, cpuTime } from '../process-figures.ts';
import { figureText, markdownTable, type Section } from '../report/table.ts';
import { runApply, runLists } from '../rules/run.ts';
import { startBinnacle, startMesh } from '../servers/binnacle.ts';
import { runScenario } from '../serving/scenario.ts';
import { type CpuProfile, type Span, timeByPlace } from './cpu-profile.ts';

/** Runs only Binnacle under V8's profiler, and reports its time by place for each part. */
export async function profileSections(plan: BenchPlan, progress: (text: string) => void): Promise<readonly Section[]> {
  const sections: Section[] = [];
  if (wants(plan, 'serving')) {
    const { mesh, streams, changes } = plan.serving;
    const scenario = { mode: 'delta', streams: Math.max(...streams), ...changes.binnacle } as const;
    progress(`profile of ${scenario.streams} delta streams`);
    sections.push(
      ...(await profiled('serving', plan.rules.dir, async ({ env, mark }) => {
        const server = await startBinnacle(mesh, { env });
        try {
          await runScenario(server, scenario, (part) => mark(server.pid, part === 'end' ? null : part));
        } finally {
          await server.stop();
        }
      })),
    );
  }
  if (wants(plan, 'rules')) {
    for (const size of plan.rules.batches) {
      progress(`profile of batches of ${size}, and of lists`);
      const name = `rules-${size}`;
      sections.push(...(await profiled(name, plan.rules.dir, (run) => profiledRules(plan.rules, size, run))));
    }
  }
  return sections;
}

async function profiledRules(plan: RulesPlan, size: number, { env, mark, dir }: ProfiledRun): Promise<void> {
  const controlPlane = await startMesh(plan.mesh, { env, dataDir: join(dir, 'data') });
  try {
    const { pid } = controlPlane.child;
    const named = { apply: `apply in batches of ${size}`, lists: 'lists', end: null } as const;
    const onPart = (part: keyof typeof named) => mark(pid, named[part]);
    await runApply(controlPlane, plan, { size, onPart });
    await runLists(controlPlane, plan, onPart);
  } finally {
    await controlPlane.stop();
  }
}

const wants = ({ sections }: BenchPlan, name: SectionName): boolean => sections.includes(name);

interface Marked {
  /** Null between parts. */
  readonly part: string | null;
  readonly atUs: number;
  readonly cpu: CpuTime;
}

interface ProfiledRun {
  /** Environment of the server: makes it write its profile when it ends. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder for the run. */
  readonly dir: string;
  /** Marks the start of a part, and the end of the one before. */
  mark(pid: number, part: string | null): void;
}

/** Leaves the profile in the folder `parent` as `<name>.cpuprofile`, for a browser's developer tools. */
async function profiled(
  name: string,
  parent: string,
  run: (run: ProfiledRun) => Promise<void>,
): Promise<readonly Section[]> {
  await mkdir(parent, { recursive: true });
  const dir = await mkdtemp(join(parent, 'profile-'));
  try {
    const marks: Marked[] = [];
    await run({
      env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${dir}` },
      dir,
      // V8's samples use the same clock (CLOCK_MONOTONIC), which all processes share
      mark: (pid, part) => marks.push({ part, atUs: Number(process.hrtime.bigint() / 1000n), cpu: cpuTime(pid) }),
    });
    const kept = join(parent, `${name}.cpuprofile`);
    await rename(join(dir, await mainThreadFile(dir)), kept);
    const profile = JSON.parse(await readFile(kept, 'utf8')) as CpuProfile; // V8 wrote it
    return marks.flatMap((begin, index) => {
      const end = marks[index + 1];
      return begin.part === null || end === undefined ? [] : [partSection(profile, begin, end)];
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Finds the main thread's file. Names contain process, thread and number; the main thread is 0. */
async function mainThreadFile(dir: string): Promise<string> {
  const file = (await readdir(dir)).find((name) => /\.0\.\d+\.cpuprofile$/.test(name));
  if (file === undefined) throw new Error('the server wrote no profile: it did not end by itself');
  return file;
}

const shownPlaces = 15;

function partSection(profile: CpuProfile, begin: Marked, end: Marked): Section {
  const span: Span = { fromUs: begin.atUs, toUs: end.atUs };
  const places = timeByPlace(profile, span);
  const total = [...places.values()].reduce((sum, us) => sum + us, 0);
  const cells = [...places]
    .slice(0, shownPlaces)
    .map(([place, us]) => [place, figureText(us / 1e3), `${((us * 100) / total).toFixed(1)} %`]);
  const heads = [
    { title: 'main thread', isText: true },
    { title: 'ms', isText: false },
    { title: 'share', isText: false },
  ];
  const kernel = end.cpu.kernel - begin.cpu.kernel;
  const all = kernel + end.cpu.user - begin.cpu.user;
  const facts = `The process took ${all.toFixed(2)} s of CPU with the profiler's own work, ${((kernel * 100) / all).toFixed(0)} % of it in the kernel; its main thread was busy for ${(total / 1e6).toFixed(2)} s of ${((end.atUs - begin.atUs) / 1e6).toFixed(1)} s.`;
  return { title: `Profile: ${begin.part}`, rows: [], text: markdownTable(heads, cells), notes: [facts] };
}
