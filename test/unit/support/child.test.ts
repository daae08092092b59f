import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { startChild } from '../../support/child.ts';
import { eventually } from '../../support/eventually.ts';

const node = (script: string) => startChild({ name: 'child', command: process.execPath, args: ['-e', script] });

it('shows the output of a program in whole lines and in its log file', async () => {
  const child = node(
    'process.stdin.once("data", (text) => { console.log("got", String(text).trim()); process.exit(4); })',
  );
  const lines: string[] = [];
  child.onLine((line) => lines.push(line));

  child.send('hello');

  expect(await child.exited).toBe(4);
  expect(lines).toEqual(['got hello']);
  await eventually(async () => (await readFile(child.logFile, 'utf8')) === 'got hello\n', { what: 'the log file' });
});

it('kills a program that does not end on request', async () => {
  const child = node('process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")');
  await eventually(() => child.stdout() === 'up\n', { what: 'the program' });

  await child.stop(50);

  expect(await child.exited).toBe('SIGKILL');
  expect(child.running).toBe(false);
});

it('reports a program that does not exist', () => {
  expect(() => startChild({ name: 'child', command: '/nowhere/envoy', args: [] })).toThrow(
    '/nowhere/envoy could not be started',
  );
});

it('waits for a value and names it if it does not arrive', async () => {
  let asked = 0;

  expect(await eventually(() => (++asked < 3 ? null : asked), { what: 'three', everyMs: 1 })).toBe(3);
  await expect(eventually(() => null, { what: 'a sign', timeoutMs: 5, everyMs: 1 })).rejects.toThrow(
    'a sign: not within 5 ms',
  );
});
