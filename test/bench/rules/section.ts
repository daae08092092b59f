import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from '../../support/control-plane.ts';
import type { RulesPlan } from '../flags.ts';
import type { ReportRow } from '../report/row.ts';
import { figureText, type Section } from '../report/table.ts';
import { startMesh } from '../servers/binnacle.ts';
import { appendsPerSecond, fileSystemOf } from './disk.ts';
import { applyRows, listRows } from './rows.ts';
import { runApply, runLists } from './run.ts';

/** Measures many objects in batches, lists and watches, with the database on the disk of `plan.dir`. */
export async function rulesSection(plan: RulesPlan, progress: (text: string) => void): Promise<Section> {
  await mkdir(plan.dir, { recursive: true });
  const rows: ReportRow[] = [];
  const appends = [appendsPerSecond(plan.dir)];
  for (const size of plan.batches) {
    progress(`rules, batches of ${size}`);
    await withMesh(plan, async (controlPlane) => {
      rows.push(...applyRows(await runApply(controlPlane, plan, { size })));
    });
  }
  const size = plan.batches.at(-1) ?? plan.objects;
  progress(`rules, batches of ${size}, ${plan.watches} watches, lists`);
  await withMesh(plan, async (controlPlane) => {
    rows.push(...applyRows(await runApply(controlPlane, plan, { size, watches: plan.watches }), plan.watches));
    rows.push(...listRows(await runLists(controlPlane, plan)));
  });
  appends.push(appendsPerSecond(plan.dir));
  const perSecond = appends.map((one) => figureText(one)).join(' before and ');
  return {
    title: `Rules: ${plan.mesh.services} services, ${plan.streams} delta streams`,
    rows,
    notes: [
      `The disk (${await fileSystemOf(plan.dir)}) takes ${perSecond} appends of 4 KB a second after, each with fdatasync: the ` +
        'limit of batches in a second.',
    ],
  };
}

/** Runs with a fresh server whose database is on that disk. */
async function withMesh(plan: RulesPlan, run: (controlPlane: ControlPlane) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(plan.dir, 'rules-'));
  try {
    const controlPlane = await startMesh(plan.mesh, { dataDir });
    try {
      await run(controlPlane);
    } finally {
      await controlPlane.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
