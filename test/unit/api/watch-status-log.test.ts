import { describe, expect, it } from 'vitest';
import { StatusLog } from '../../../src/api/rules/watch/status-log.ts';
import { ruleIdOf } from '../../support/rules.ts';

const ids = (log: StatusLog, position: number, limit = 100) => log.after(position, limit).map(({ id }) => id);

describe('the status log', () => {
  it('contains each object once, at its last change', () => {
    const log = new StatusLog();
    for (const id of ['a', 'b', 'a', 'c', 'b']) log.add(ruleIdOf(id), 0);
    expect(ids(log, 0)).toEqual(['a', 'c', 'b']);
    expect(ids(log, 3)).toEqual(['c', 'b']);
    expect(ids(log, log.end)).toEqual([]);
    expect(ids(log, 0, 2)).toEqual(['a', 'c']);
  });

  it('drops deleted objects', () => {
    const log = new StatusLog();
    for (const id of ['a', 'b']) log.add(ruleIdOf(id), 0);
    log.forget(ruleIdOf('a'));
    expect(ids(log, 0)).toEqual(['b']);
  });

  it('keeps positions valid through any number of changes, with no more entries than objects', () => {
    const log = new StatusLog();
    for (let change = 0; change < 10_000; change++) log.add(ruleIdOf(`r${change % 10}`), change);
    const position = log.end;
    log.add(ruleIdOf('r3'), 10_000);
    log.add(ruleIdOf('r4'), 10_001);
    expect(ids(log, position)).toEqual(['r3', 'r4']);
    expect(ids(log, 0)).toHaveLength(10);
  });

  it('finds the position of a time', () => {
    const log = new StatusLog();
    for (const [id, timeMs] of [
      ['a', 10],
      ['b', 20],
      ['c', 20],
      ['d', 30],
    ] as const)
      log.add(ruleIdOf(id), timeMs);
    expect(ids(log, log.positionAt(20))).toEqual(['b', 'c', 'd']);
    expect(ids(log, log.positionAt(0))).toEqual(['a', 'b', 'c', 'd']);
    expect(ids(log, log.positionAt(31))).toEqual([]);
  });
});
