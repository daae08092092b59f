import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { describeWith } from '../support/describe-with.ts';

describeWith(['envoy'], 'npm run demo', () => {
  it('shows every step with what it measured, and leaves no process behind', { timeout: 600_000 }, async () => {
    // a group of its own, to find what it would leave behind
    const demo = spawn(process.execPath, [join(import.meta.dirname, '../demo/main.ts')], { detached: true });
    const ended = once(demo, 'close');
    const [out, errors] = await Promise.all([text(demo.stdout), text(demo.stderr)]);
    const [code] = await ended;
    expect(out).toContain('All 9 steps were as described.');
    expect(out.match(/^ {3}→ /gm)?.length).toBeGreaterThan(9);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(() => process.kill(-Number(demo.pid), 0)).toThrow('ESRCH');
  });
});
