import { expect, test } from 'vitest';
import { KubernetesError } from '../../../src/kubernetes/errors.ts';
import { createReflector, type Reflector } from '../../../src/kubernetes/reflector.ts';

const object = (name: string, version: string) => ({ metadata: { name, namespace: 'shop', resourceVersion: version } });
const page = (resourceVersion: string, ...items: ReturnType<typeof object>[]) => ({
  items,
  resourceVersion,
  isLast: true,
});
const event = (type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', name: string, version: string) => ({
  type,
  object: object(name, version),
});
const refusal = (status: number, reason = '') => new KubernetesError(`status ${status}`, { status, reason });
const names = (changes: ReturnType<Reflector['listed']>) =>
  changes.map(
    (change) => `${change.type} ${change.type === 'put' ? change.object.metadata.name : change.metadata.name}`,
  );

function listedAt(version: string, ...items: ReturnType<typeof object>[]): Reflector {
  const reflector = createReflector({ random: () => 1 });
  reflector.listed(page(version, ...items));
  return reflector;
}

test('lists first, then watches from the version of the list', () => {
  const reflector = createReflector();
  expect(reflector.next()).toEqual({ type: 'list' });
  expect(names(reflector.listed({ ...page('9', object('a', '3')), isLast: false }))).toEqual(['put a']);
  expect(reflector.isSettled()).toBe(false);
  expect(names(reflector.listed(page('9', object('b', '4'))))).toEqual(['put b']);
  expect(reflector.isSettled()).toBe(true);
  expect(reflector.next()).toEqual({ type: 'watch', resourceVersion: '9' });
});

test('resumes a lost watch after the last event or bookmark', () => {
  const reflector = listedAt('9');
  reflector.received([event('ADDED', 'a', '11'), event('BOOKMARK', '', '15')]);
  reflector.failed(refusal(0), 0);
  expect(reflector.next().type).toBe('wait');
  reflector.waited();
  expect(reflector.next()).toEqual({ type: 'watch', resourceVersion: '15' });
});

test('lists again after 410, and removes what vanished meanwhile', () => {
  const reflector = listedAt('9', object('a', '3'), object('b', '4'));
  reflector.failed(refusal(410, 'Expired'), 0);
  expect(reflector.next()).toEqual({ type: 'list' });
  expect(names(reflector.listed(page('90', object('b', '4'), object('c', '80'))))).toEqual(['put c', 'removed a']);
  expect(reflector.takeRelists()).toEqual(['expired']);
});

test('pauses before it lists again when versions expire at once each time', () => {
  const reflector = listedAt('9');
  reflector.failed(refusal(410), 0);
  reflector.listed(page('9'));
  reflector.failed(refusal(410), 0);
  expect(reflector.next().type).toBe('wait');
});

test('restarts a list when the rest of it expired', () => {
  const reflector = createReflector();
  reflector.listed({ ...page('9', object('a', '3')), isLast: false });
  reflector.failed(refusal(410), 0);
  expect(names(reflector.listed(page('12', object('b', '4'))))).toEqual(['put b', 'removed a']);
});

test('detects decreasing versions, by a probe or an event, and lists again', () => {
  const probed = listedAt('100', object('a', '90'));
  expect(probed.probed('100', '100')).toBe(false);
  expect(probed.probed('99', '100')).toBe(true);
  expect(probed.next()).toEqual({ type: 'list' });
  expect(names(probed.listed(page('60', object('a', '50'))))).toEqual(['put a']);
  expect(probed.next()).toEqual({ type: 'watch', resourceVersion: '60' });
  const told = listedAt('100');
  told.received([event('ADDED', 'b', '61')]);
  expect(told.next()).toEqual({ type: 'list' });
  expect(told.takeRelists()).toEqual(['versions-went-back']);
});

test('ignores an older version of a probe if events arrived meanwhile', () => {
  const reflector = listedAt('100', object('a', '90'));
  reflector.received([event('MODIFIED', 'a', '105')]);
  expect(reflector.probed('102', '100')).toBe(false);
  expect(reflector.next()).toEqual({ type: 'watch', resourceVersion: '105' });
});

test('waits longer with each failure, at least as long as the server requests', () => {
  const reflector = createReflector({ random: () => 1, retry: { baseMs: 100, maxMs: 1_000 } });
  const waits = [1, 2, 3, 4, 5].map(() => {
    reflector.failed(refusal(0), 0);
    const step = reflector.next();
    reflector.waited();
    return step;
  });
  expect(waits).toEqual([100, 200, 400, 800, 1_000].map((ms) => ({ type: 'wait', ms })));
  reflector.failed(new KubernetesError('later', { status: 429, retryAfterMs: 7_000 }), 0);
  expect(reflector.next()).toEqual({ type: 'wait', ms: 7_000 });
});

test('keeps its objects and reports a problem when the kind is denied, until it is granted', () => {
  const reflector = listedAt('9', object('a', '3'));
  expect(reflector.failed(refusal(403), 0)).toEqual([]);
  expect(reflector.trouble()).toEqual({ type: 'denied', message: 'status 403' });
  reflector.waited();
  reflector.received([]);
  expect(reflector.trouble()).toBeNull();
  expect(reflector.known().size).toBe(1);
});

test('does not wait for a missing kind, and lists it when it is installed', () => {
  const reflector = createReflector();
  reflector.failed(refusal(404), 0);
  expect([reflector.isSettled(), reflector.trouble()?.type]).toEqual([true, 'missing']);
  reflector.waited();
  expect(reflector.next()).toEqual({ type: 'list' });
  expect(names(reflector.listed(page('9', object('a', '3'))))).toEqual(['put a']);
  expect(reflector.trouble()).toBeNull();
});

test('removes the objects of a kind only after it is missing for long', () => {
  const reflector = listedAt('9', object('a', '3'));
  expect(reflector.failed(refusal(404), 1_000)).toEqual([]);
  expect(names(reflector.failed(refusal(404), 31_000))).toEqual(['removed a']);
});

test('a repeated version is no change', () => {
  const reflector = listedAt('9', object('a', '3'));
  expect(reflector.listed(page('12', object('a', '3')))).toEqual([]);
});

test('lists again what it forgot, and reports it anew beside what changed', () => {
  const reflector = listedAt('9', object('a', '3'), object('b', '4'));
  expect(reflector.forget(({ name }) => name === 'c')).toBe(false);
  expect(reflector.next().type).toBe('watch');
  expect(reflector.forget(({ name }) => name === 'a')).toBe(true);
  expect(reflector.next()).toEqual({ type: 'list' });
  expect(names(reflector.listed(page('20', object('a', '3'), object('c', '15'))))).toEqual([
    'put a',
    'put c',
    'removed b',
  ]);
  expect(reflector.takeRelists()).toEqual(['selection']);
});

test('forgets also what a list under way has brought', () => {
  const reflector = createReflector();
  reflector.listed({ ...page('9', object('a', '3')), isLast: false });
  reflector.forget(({ name }) => name === 'a');
  expect(names(reflector.listed(page('9', object('a', '3'), object('b', '4'))))).toEqual(['put a', 'put b']);
});
