import { expect, it } from 'vitest';
import { unexpectedLines } from '../../soak/program/log.ts';

for (const { name, line, expected } of [
  { name: 'a rejection', line: '{"level":"warn","message":"resources rejected by proxy"}', expected: true },
  { name: 'the inspector', line: 'Debugger listening on ws://127.0.0.1:1/2', expected: true },
  { name: 'an error', line: '{"level":"error","message":"client failed"}', expected: false },
  { name: 'another warning', line: '{"level":"warn","message":"certificates"}', expected: false },
  { name: 'a warning of Node', line: '(node:1) MaxListenersExceededWarning: Possible leak', expected: false },
  { name: 'a stack trace', line: '    at run (file.js:1:1)', expected: false },
]) {
  it(`${name} is ${expected ? 'expected' : 'reported'}`, () => {
    expect(unexpectedLines(`${line}\n`)).toEqual(expected ? [] : [line]);
  });
}
