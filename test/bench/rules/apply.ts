import { send } from '../../support/http.ts';

const answerTimeoutMs = 120_000;

/** Request body of a batch. */
export type BatchBody = string;

/** Splits and serializes objects before the measurement, which is about the server. */
export function batchesOf(objects: readonly object[], size: number): readonly BatchBody[] {
  const batches: BatchBody[] = [];
  for (let from = 0; from < objects.length; from += size) {
    batches.push(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects.slice(from, from + size) }));
  }
  return batches;
}

/** Sends batches like one administrator, each after the answer to the one before. Returns the milliseconds of each. */
export async function applyBatches(port: number, batches: readonly BatchBody[]): Promise<readonly number[]> {
  const took: number[] = [];
  const headers = { 'content-type': 'application/json', 'x-binnacle-author': 'bench' };
  for (const body of batches) {
    const startedAt = performance.now();
    const options = { method: 'POST', path: '/rules/v1/batch', headers, body, timeoutMs: answerTimeoutMs };
    const response = await send(port, options);
    if (response.status !== 200)
      throw new Error(`a batch was refused: ${response.status} ${response.body.slice(0, 500)}`);
    took.push(performance.now() - startedAt);
  }
  return took;
}
