import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { followDirectory } from '../../../adapters/kubernetes/kubeconfig-directory.ts';
import { eventually } from '../../support/eventually.ts';

it('reads a directory again and again without keeping anything of each reading', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'binnacle-directory-'));
  const abort = new AbortController();
  let readings = 0;
  /** Ends each wait at once. */
  const clock = {
    now: () => 0,
    after(_delayMs: number, run: () => void) {
      readings++;
      setImmediate(run);
      return () => {};
    },
  };
  const problems = { report: () => {}, replace: () => {} };
  const { ended } = followDirectory({ directory, clock, problems, changed: () => {} }, abort.signal);
  await eventually(() => readings > 50, { what: '50 readings' });
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
  abort.abort();
  await ended;
  await rm(directory, { recursive: true });
});
