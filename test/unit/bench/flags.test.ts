import { describe, expect, it } from 'vitest';
import { benchPlanOf } from '../../bench/flags.ts';

const plan = (...args: string[]) => benchPlanOf(args, '/bench');

describe('without flags', () => {
  it('runs everything with the documented bars', () => {
    const { sections, profile, serving, rules } = plan();
    const first = ['serving', 'flat', 'idle', 'stalled', 'restart', 'namespaces'];
    expect(sections).toEqual([...first, 'rules', 'service-entries', 'hostile']);
    expect(profile).toBe(false);
    expect(serving).toMatchObject({
      mesh: { services: 1_000, endpoints: 10 },
      streams: [100, 500, 1_000],
      changes: {
        binnacle: { endpointChanges: 200, routeChanges: 50 },
        bare: { endpointChanges: 200, routeChanges: 50 },
        linear: { endpointChanges: 10, routeChanges: 10 },
        snapshot: { endpointChanges: 5, routeChanges: 5 },
      },
      flat: { services: [100, 1_000, 10_000], streams: 500 },
      stalled: { streams: 1_000, changes: 1_000, stalledMs: 30_000 },
    });
    expect(plan().restart).toMatchObject({ mesh: { services: 1_000 }, streams: 500 });
    expect(plan().namespaces).toMatchObject({ mesh: { services: 1_000, namespaces: 50 }, clients: 500 });
    expect(rules).toMatchObject({ objects: 10_000, batches: [100, 1_000], streams: 100, watches: 100, dir: '/bench' });
  });
});

it('runs the named parts in their own order', () => {
  expect(plan('--only', 'rules,idle').sections).toEqual(['idle', 'rules']);
});

it('runs the part with many namespaces only on request', () => {
  expect(plan().sections).not.toContain('many-namespaces');
  expect(plan('--only', 'many-namespaces')).toMatchObject({
    sections: ['many-namespaces'],
    manyNamespaces: { mesh: { services: 10_000, namespaces: 500 } },
  });
});

it('runs the part with an API server only where it is named', () => {
  expect(plan().sections).not.toContain('kubernetes');
  expect(plan('--only', 'kubernetes')).toMatchObject({
    sections: ['kubernetes'],
    kubernetes: { mesh: { services: 1_000, endpoints: 10 }, streams: 100, storm: { perSecond: 500, seconds: 30 } },
  });
});

it('runs the part with registries only where it is named', () => {
  expect(plan().sections).not.toContain('registries');
  const { sections, registries } = plan('--only', 'registries');
  expect(sections).toEqual(['registries']);
  expect(registries.zookeeper).toEqual({ services: 10_000, endpoints: 10 });
  expect(registries.nacos).toEqual({ services: 2_000, endpoints: 10 });
});

it('reads numbers from the command line', () => {
  const numbers = ['--streams', '50,200', '--changes', '7', '--objects', '3000', '--rounds', '2'];
  const { serving, rules, restart, namespaces } = plan(...numbers, '--dir', '/disk');
  expect([restart.rounds, namespaces.rounds]).toEqual([2, 2]);
  expect(serving.streams).toEqual([50, 200]);
  expect(serving.changes).toEqual({
    binnacle: { endpointChanges: 7, routeChanges: 7 },
    bare: { endpointChanges: 7, routeChanges: 7 },
    linear: { endpointChanges: 7, routeChanges: 7 },
    snapshot: { endpointChanges: 5, routeChanges: 5 },
  });
  expect(rules).toMatchObject({ objects: 3_000, dir: '/disk' });
});

for (const { args, want } of [
  {
    args: ['--only', 'rules,speed'],
    want: 'there is no speed; there are serving, flat, idle, stalled, restart, namespaces, rules',
  },
  { args: ['--streams', '100,many'], want: '--streams: "many" is no number from 1 on' },
  { args: ['--streams', '0'], want: '--streams: "0" is no number from 1 on' },
  { args: ['--services', '99'], want: '--services: "99" is no number from 100 on' },
  { args: ['--objects', '1.5'], want: '--objects: "1.5" is no number' },
  { args: ['--fast'], want: "Unknown option '--fast'" },
]) {
  it(`rejects ${args.join(' ')}`, () => {
    expect(() => plan(...args)).toThrow(want);
  });
}
