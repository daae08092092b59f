// `npm run demo`: starts a sample mesh with real Envoys on free ports of this machine, walks through what rules do, says
// what it does and what it measured, and stops everything. Exits with 1 if something is not as it says.

import { missing } from '../support/parts.ts';
import { startDemoMesh } from './mesh.ts';
import type { DemoStep } from './step.ts';
import { ejection, faults, registryOnly, retries, timeouts } from './steps/resilience.ts';
import { canary, endpoints, headerRouting, localhostModel } from './steps/routing.ts';

const steps: readonly DemoStep[] = [
  localhostModel,
  canary,
  headerRouting,
  faults,
  retries,
  timeouts,
  ejection,
  endpoints,
  registryOnly,
];

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const reason = missing('envoy');
if (reason !== null) {
  process.stderr.write(`demo: ${reason}\n`);
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130)); // programs end with this one

say('Starting the mesh');
const mesh = await startDemoMesh((text) => say(`  ${text}`));
let failed = 0;
try {
  for (const [index, { title, about, run }] of steps.entries()) {
    say(`\n${index + 1}. ${title}\n   ${about}`);
    try {
      for (const line of await run(mesh)) say(`   → ${line}`);
    } catch (error) {
      failed++;
      say(`   FAILED: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
} finally {
  await mesh.stop();
}
say(
  failed === 0
    ? `\nAll ${steps.length} steps were as described. Everything is stopped.`
    : `\n${failed} of ${steps.length} steps failed.`,
);
process.exitCode = failed === 0 ? 0 : 1;
