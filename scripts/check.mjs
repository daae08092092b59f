// `npm run check`: run it before every commit. It checks types, lint, room rules and unused code, then runs the tests
// that need no external program (Envoy, the load client): test/unit, test/property and test/conversation.
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
