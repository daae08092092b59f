// `npm run check`: what to run before every commit. Types, lint, room rules, unused code, then the tests that need no
// real part (Envoy, the load client): those of test/unit, test/property and test/conversation.
import { runLoudly, runStaticChecks } from './static-checks.mjs';

const { failed } = await runStaticChecks();
const status = await runLoudly('vitest', [
  'run',
  '--reporter=dot',
  '--passWithNoTests',
  'test/unit',
  'test/property',
  'test/conversation',
]);
process.exitCode = failed === 0 && status === 0 ? 0 : 1;
