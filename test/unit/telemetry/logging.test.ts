import { describe, expect, it } from 'vitest';
import { createLogger, type LoggingOptions } from '../../../src/telemetry/logging.ts';

function logging(level: LoggingOptions['level']) {
  const lines: unknown[] = [];
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) };
  return { log: createLogger({ level, stream }), lines };
}

describe('the log', () => {
  it('has one JSON object per line, with facts beside the message', () => {
    const { log, lines } = logging('info');
    log.child({ adapter: 'nacos' }).warn({ attempt: 2, err: new Error('refused') }, 'registry was not reached');
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        adapter: 'nacos',
        attempt: 2,
        err: expect.objectContaining({ message: 'refused', stack: expect.any(String) }),
        message: 'registry was not reached',
      },
    ]);
  });

  it('omits lines below its level', () => {
    const { log, lines } = logging('warn');
    log.info({}, 'rules were loaded');
    log.error({}, 'store failed');
    expect(lines).toMatchObject([{ message: 'store failed' }]);
  });
});
