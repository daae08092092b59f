import { expect, it } from 'vitest';
import { liveBytesOf } from '../../bench/namespaces/inspector.ts';
import { startChild } from '../../support/child.ts';
import { eventually } from '../../support/eventually.ts';
import { freePorts } from '../../support/ports.ts';

it('counts the live objects of a process, without garbage', async () => {
  const [port = 0] = await freePorts(1);
  const code = [
    'globalThis.kept = Buffer.alloc(50e6, 1);',
    'let garbage = Buffer.alloc(200e6, 1);',
    'garbage = null;',
    'setInterval(() => {}, 1000);',
  ].join('\n');
  const child = startChild({
    name: 'inspected',
    command: process.execPath,
    args: [`--inspect=127.0.0.1:${port}`, '-e', code],
  });
  try {
    const bytes = await eventually(() => liveBytesOf(port), { what: 'the inspector' });

    expect(bytes).toBeGreaterThan(50e6);
    expect(bytes).toBeLessThan(150e6);
  } finally {
    await child.stop();
  }
});
