import { expect, it } from 'vitest';
import { Layers } from '../../../src/push/layers.ts';
import { layerKey } from '../../support/fake-compiler.ts';

it('a layer that a flush defers is shown after the one that compiles it', () => {
  const layers = new Layers();
  const [now, later] = ['now', 'later'].map((name) => layers.hold(layerKey(name), 1));
  layers.flushed(1, new Set([layerKey('later')]));
  expect([now?.ready, later?.ready]).toEqual([true, false]);
  layers.flushed(2, new Set());
  expect(later?.ready).toBe(true);
});
