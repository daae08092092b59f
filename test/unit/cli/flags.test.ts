import { describe, expect, it } from 'vitest';
import { type Flag, flagHelp, parseArguments, parseFlags } from '../../../src/cli/flags.ts';

const flags: readonly Flag[] = [
  { name: 'output', short: 'o', value: 'FORMAT', about: 'how to print' },
  { name: 'filename', short: 'f', value: 'FILE', about: 'a file', many: true },
  { name: 'all-namespaces', short: 'A', value: null, about: 'everywhere' },
  { name: 'author', value: 'NAME', about: 'who', mayBeEmpty: true },
];

describe('arguments with words and short flags', () => {
  for (const argv of [
    ['-o', 'yaml', 'vs'],
    ['-oyaml', 'vs'],
    ['-o=yaml', 'vs'],
    ['vs', '--output', 'yaml'],
    ['vs', '--output=yaml'],
  ]) {
    it(`reads ${argv.join(' ')}`, () => {
      expect(parseArguments(argv, flags)).toEqual({ values: { output: ['yaml'] }, words: ['vs'] });
    });
  }

  it('reads combined short flags', () => {
    expect(parseArguments(['-Aoyaml'], flags).values).toEqual({ 'all-namespaces': [''], output: ['yaml'] });
  });

  it('collects a repeated flag and accepts - as a value', () => {
    expect(parseArguments(['-f', 'a.yaml', '-f', '-'], flags).values).toEqual({ filename: ['a.yaml', '-'] });
  });

  it('treats everything after -- as words', () => {
    expect(parseArguments(['vs', '--', '-o'], flags)).toEqual({ values: {}, words: ['vs', '-o'] });
  });

  it('keeps an equals sign in a long value', () => {
    expect(parseArguments(['--output', '=yaml'], flags).values).toEqual({ output: ['=yaml'] });
  });

  it('allows an empty value where the flag permits it', () => {
    expect(parseArguments(['--author', ''], flags).values).toEqual({ author: [''] });
  });

  for (const { argv, message } of [
    { argv: ['-x'], message: 'unknown flag -x; there are --output, --filename, --all-namespaces, --author' },
    { argv: ['--outputs', 'yaml'], message: 'unknown flag --outputs (did you mean "--output"?)' },
    { argv: ['--o', 'yaml'], message: 'unknown flag --o' },
    { argv: ['-o'], message: '--output needs FORMAT' },
    { argv: ['-o='], message: '--output needs FORMAT' },
    { argv: ['-o', 'a', '--output', 'b'], message: '--output is given twice' },
    { argv: ['--all-namespaces=yes'], message: '--all-namespaces takes no value' },
  ]) {
    it(`rejects ${argv.join(' ')}`, () => {
      expect(() => parseArguments(argv, flags)).toThrow(message);
    });
  }

  it('rejects words if the command has none', () => {
    expect(() => parseFlags(['vs'], flags)).toThrow('unexpected argument "vs"');
  });

  it('shows short flags in the help', () => {
    expect(flagHelp(flags.slice(0, 1))).toBe('  -o, --output FORMAT  how to print');
  });
});
