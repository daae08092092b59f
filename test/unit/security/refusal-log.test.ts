import { expect, it } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import { createRefusalLog, quietMs } from '../../../src/security/http-access/refusal-log.ts';
import { fakeClock } from '../../support/fake-clock.ts';

const asked = (url: string) => ({
  need: { type: 'read' } as const,
  method: 'GET',
  url,
  headers: { authorization: 'Bearer secret' },
  remote: '192.0.2.7',
});

it('a flood of rejections is logged at once and then every ten seconds, with their number', () => {
  const lines: object[] = [];
  const clock = fakeClock();
  const log = createRefusalLog({ clock, log: { ...silentLogger, warn: (facts) => lines.push(facts) } });
  const flood = (count: number) => {
    for (let at = 1; at <= count; at++) {
      log.note(asked(`/debug/${at}?token=secret`), { reason: 'host', message: 'not a name' });
    }
  };
  flood(5_000);
  log.note(asked('/metrics'), { reason: 'origin', message: 'a web page' });
  expect(lines).toMatchObject([
    { reason: 'host', count: 1, path: '/debug/1', remote: '192.0.2.7', why: 'not a name' },
    { reason: 'origin', count: 1, path: '/metrics' },
  ]);
  clock.advance(quietMs);
  expect(lines.slice(2)).toMatchObject([{ reason: 'host', count: 4_999, path: '/debug/5000' }]);
  flood(2);
  clock.advance(quietMs);
  expect(lines.slice(3)).toMatchObject([{ reason: 'host', count: 2 }]);
  clock.advance(10 * quietMs);
  flood(1);
  expect(lines.slice(4)).toMatchObject([{ reason: 'host', count: 1 }]);
  expect(JSON.stringify(lines)).not.toContain('secret');
});
