// `npm run bench [-- --quick | --only rules | --profile]`: Binnacle next to go-control-plane's caches with the same
// resources, in one run, and its rules API. Linux only: the figures are read from /proc. Tables go to standard output
// as Markdown, progress to standard error. docs/benchmarks.md explains the measures and how to read them.

import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { assertNever } from '../../src/lib/assert-never.ts';
import { missing } from '../support/parts.ts';
import { type BenchPlan, benchPlanOf, type SectionName } from './flags.ts';
import { hostileSection } from './hostile/section.ts';
import { kubernetesSection } from './kubernetes/section.ts';
import { manyNamespacesSection } from './namespaces/many.ts';
import { namespacesSection } from './namespaces/section.ts';
import { profileSections } from './profile/section.ts';
import { registriesSection } from './registries/section.ts';
import { missedRows } from './report/row.ts';
import { type Section, sectionText } from './report/table.ts';
import { restartSection } from './restart/section.ts';
import { rulesSection } from './rules/section.ts';
import { serviceEntriesSection } from './service-entries/section.ts';
import { flatSection, idleSection, servingSection, stalledSection } from './serving/sections.ts';

const wholeRunTimeoutMs = 45 * 60_000;

const reason = missing('xdsload') ?? missing('gcpserver') ?? (process.platform === 'linux' ? null : 'Linux is needed');
if (reason !== null) endRun(reason);
setTimeout(() => endRun('the run took too long'), wholeRunTimeoutMs).unref();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => endRun(`ended by ${signal}`));

try {
  await run(benchPlanOf(process.argv.slice(2), join(import.meta.dirname, '../../.cache/bench')));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
}

async function run(plan: BenchPlan): Promise<void> {
  const startedAt = performance.now();
  print(machine());
  const shown: Section[] = [];
  const show = (section: Section) => {
    shown.push(section);
    print(sectionText(section));
  };
  if (plan.profile) for (const section of await profileSections(plan, progress)) show(section);
  else for (const name of plan.sections) show(await sectionOf(name, plan));
  const missed = shown.flatMap(({ rows }) => missedRows(rows)).length;
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  print(
    `${minutes} minutes${plan.profile ? '' : `; ${missed === 0 ? 'no bar' : missed === 1 ? '1 bar' : `${missed} bars`} missed`}`,
  );
}

function sectionOf(name: SectionName, plan: BenchPlan): Promise<Section> {
  const { serving, rules, serviceEntries } = plan;
  switch (name) {
    case 'serving':
      return servingSection(serving, progress);
    case 'flat':
      return flatSection(serving, progress);
    case 'idle':
      return idleSection(serving, progress);
    case 'stalled':
      return stalledSection(serving, progress);
    case 'restart':
      return restartSection(plan.restart, progress);
    case 'namespaces':
      return namespacesSection(plan.namespaces, progress);
    case 'many-namespaces':
      return manyNamespacesSection(plan.manyNamespaces, progress);
    case 'rules':
      return rulesSection(rules, progress);
    case 'service-entries':
      return serviceEntriesSection(serviceEntries, progress);
    case 'kubernetes':
      return kubernetesSection(plan.kubernetes, progress);
    case 'registries':
      return registriesSection(plan.registries, progress);
    case 'hostile':
      return hostileSection(serving.mesh, progress);
    default:
      return assertNever(name);
  }
}

function machine(): string {
  const processors = cpus();
  const memory = `${(totalmem() / 1e9).toFixed(0)} GB`;
  const day = new Date().toISOString().slice(0, 10);
  const load = (loadavg()[0] ?? 0).toFixed(1);
  return `${day}, ${processors.length} × ${processors[0]?.model}, ${memory}, Linux, Node ${process.versions.node}; load at the start ${load}`;
}

function print(paragraph: string): void {
  process.stdout.write(`${paragraph}\n\n`);
}

function progress(text: string): void {
  process.stderr.write(`${text} …\n`);
}

/** Exits at once. Started programs end with this process (test/support/child.ts). */
function endRun(why: string): never {
  process.stderr.write(`bench: ${why}\n`);
  process.exit(1);
}
