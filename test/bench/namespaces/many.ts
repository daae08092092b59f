import type { ManyNamespacesPlan } from '../flags.ts';
import type { Section } from '../report/table.ts';
import { stepRows } from './rows.ts';
import { runStep, type StepFigures } from './run.ts';
import { startNamespaced } from './servers.ts';

/**
 * Connects one client in each of more and more namespaces of a big mesh, until all are served or a limit is reached.
 */
export async function manyNamespacesSection(
  { mesh, steps, limits }: ManyNamespacesPlan,
  progress: (text: string) => void,
): Promise<Section> {
  progress(`many namespaces: ${mesh.services} services register`);
  const server = await startNamespaced(mesh);
  const done: StepFigures[] = [];
  let end = 'All steps were run.';
  try {
    for (const namespaces of steps) {
      progress(`many namespaces: clients in ${namespaces}`);
      const figures = await runStep(server, namespaces);
      done.push(figures);
      if (figures.cpuSeconds > limits.cpuSeconds || figures.peakBytes > limits.bytes) {
        end = `Further steps were left out: the last one took more than ${limits.cpuSeconds} s of CPU or ${limits.bytes / 1e9} GB.`;
        break;
      }
    }
  } catch (error) {
    end = `The next step failed: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
  } finally {
    await server.stop();
  }
  return {
    title: `${mesh.namespaces} namespaces, ${mesh.services} services with ${mesh.endpoints} endpoints each`,
    rows: stepRows(mesh.services, done),
    notes: [
      'All clients of a step connect at once, and have left when those of the next do; scopes stay for a minute.',
      end,
    ],
  };
}
