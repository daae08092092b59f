import { expect, it } from 'vitest';
import { ServedLayers } from '../../../src/push/served-layers.ts';
import { layerKey } from '../../support/fake-compiler.ts';

it('a deferred layer is published by the flush that compiles it', () => {
  const layers = new ServedLayers();
  const [now, later] = ['now', 'later'].map((name) => layers.acquire(layerKey(name), 1));
  layers.flushEnded(1, new Set([layerKey('later')]));
  expect([now?.ready, later?.ready]).toEqual([true, false]);
  layers.flushEnded(2, new Set());
  expect(later?.ready).toBe(true);
});
