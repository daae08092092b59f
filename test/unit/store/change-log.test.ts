import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { StoreChange } from '../../../src/rules/store.ts';
import { changeLog } from '../../../src/store/change-log.ts';
import { eventually } from '../../support/eventually.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const change = (resourceVersion: number): StoreChange => ({
  type: 'put',
  object: {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: {
      name: 'large',
      namespace: 'default',
      labels: {},
      annotations: {},
      uid: 'uid',
      creationTimestamp: '2026-01-01T00:00:00.000Z',
      generation: 1,
      resourceVersion: String(resourceVersion),
    },
    spec: {},
  },
  previous: null,
});

for (const { name, limits, bytes } of [
  { name: 'by number', limits: { maxChanges: 2, maxBytes: 1_000 }, bytes: 1 },
  { name: 'by size', limits: { maxChanges: 1_000, maxBytes: 20 }, bytes: 10 },
]) {
  it(`changes dropped ${name} are released`, async () => {
    const log = changeLog(0, limits);
    const held = [1, 2, 3].map((version) => {
      const one = change(version);
      log.append(one, bytes);
      return new WeakRef(one);
    });
    expect(log.since(0)).toBeNull();
    expect(log.since(1)?.map(({ type }) => type)).toEqual(['put', 'put']);
    const isHeld = () => {
      collectGarbage();
      return held.map((ref) => ref.deref() !== undefined);
    };
    await eventually(() => isHeld().join() === 'false,true,true', { what: 'the first change collected' });
    expect(log.since(2)).toHaveLength(1); // keeps the log itself alive
  });
}
