import type { DemoMesh } from './mesh.ts';

/** Step of the demo. */
export interface DemoStep {
  readonly title: string;
  /** Description of the step and of its result. */
  readonly about: string;
  /** Does it and returns what was measured, line by line. Throws if it is not as `about` says. */
  run(mesh: DemoMesh): Promise<readonly string[]>;
}

/** Throws unless a claim of the demo holds. */
export function mustHold(holds: boolean, claim: string): void {
  if (!holds) throw new Error(`this does not hold: ${claim}`);
}

/** Formats counted answers: `200 v1: 99 %, 200 v2: 1 %`. */
export function sharesText(counts: Readonly<Record<string, number>>): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return Object.entries(counts)
    .map(([answer, count]) => `${answer}: ${count} (${((100 * count) / total).toFixed(1)} %)`)
    .join(', ');
}
