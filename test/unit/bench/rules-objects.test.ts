import { expect, it } from 'vitest';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { validateRule } from '../../../src/rules/validation/validate.ts';
import { hostOf } from '../../bench/mesh.ts';
import { batchesOf } from '../../bench/rules/apply.ts';
import { lastRouteToken, ruleObjects } from '../../bench/rules/objects.ts';

const objects = ruleObjects({ count: 10_000, services: 1_000 });

it('makes valid objects with unique names and 0.5 to 0.7 KB', () => {
  const sizes = objects.map((object) => JSON.stringify(object).length);
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(500);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(700);
  expect(new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).size).toBe(10_000);
  const raw = (object: (typeof objects)[number]) => ({
    ...object,
    metadata: { ...object.metadata, labels: {}, annotations: {}, creationTimestamp: '2026-01-01T00:00:00Z' },
    origin: 'test',
  });
  const checked = objects.slice(0, 20).map((object) => validateRule(raw(object), ruleKinds));
  expect(checked.filter(({ ok }) => !ok)).toEqual([]);
});

it('makes a VirtualService and a DestinationRule for every service of the mesh', () => {
  const text = JSON.stringify(objects);
  for (const service of [0, 1, 500, 999]) {
    expect(text).toContain(`"hosts":["${hostOf(service)}"]`);
    expect(text).toContain(`"spec":{"host":"${hostOf(service)}"`);
  }
});

it('puts the last object with an effect on routes into the last batch', () => {
  const token = lastRouteToken(objects);
  const batches = batchesOf(objects, 1_000);
  expect(batches.map((body) => body.includes(token))).toEqual([...Array(9).fill(false), true]);
  expect(JSON.parse(batches[3] ?? '').items).toEqual(objects.slice(3_000, 4_000));
});

it('makes further objects for hosts outside the mesh, with other names', () => {
  const more = ruleObjects({ count: 10_000, services: 1_000, prefix: 'more' });
  const names = new Set(objects.map(({ metadata }) => metadata.name));
  expect(more.some(({ metadata }) => names.has(metadata.name))).toBe(false);
  expect(JSON.stringify(more)).not.toContain(`"hosts":["${hostOf(0)}"]`);
  expect(() => lastRouteToken(more)).toThrow('no object is for a host of the mesh');
});
