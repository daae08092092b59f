import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contextsPath } from '../../../src/cli/rules/contexts.ts';
import { readSettings, serverUrl } from '../../../src/cli/rules/settings.ts';
import { cli } from '../../support/cli.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binnacle-contexts-'));
  path = join(folder, 'config', 'contexts.yaml');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const context = (...argv: readonly string[]) => cli(['context', ...argv], { env: { BINNACLE_CONTEXTS: path } });

describe('binnacle context', () => {
  it('creates, shows, selects and deletes contexts', async () => {
    expect(await context('list')).toEqual({
      code: 0,
      out: '',
      errors: [`there are no contexts in ${path}: make one with "binnacle context set"`],
    });
    expect((await context('set', 'test', '--server', '127.0.0.1:8081', '-n', 'shop')).out).toBe(
      'context test made, and current\n',
    );
    expect((await context('set', 'prod', '--server', 'https://mesh.example/', '--author', 'anna')).out).toBe(
      'context prod made\n',
    );
    expect((await context('use', 'prod')).out).toBe('prod is the current context: https://mesh.example\n');
    expect((await context()).out).toBe(
      [
        'CURRENT   NAME   SERVER                  NAMESPACE   AUTHOR',
        '          test   http://127.0.0.1:8081   shop',
        '*         prod   https://mesh.example                anna',
        '',
      ].join('\n'),
    );
    expect((await context('show')).out).toBe(
      'server      https://mesh.example (context prod)\nnamespace   default\nauthor      anna\n',
    );
    expect((await context('delete', 'prod')).out).toBe('context prod deleted: there is no current one now\n');
    expect((await context('delete', 'test')).out).toBe('context test deleted\n');
    expect((await context('set', 'new', '--server', 'http://a')).out).toBe('context new made, and current\n');
  });

  it('changes the given settings and removes empty ones', async () => {
    await context('set', 'test', '--server', 'http://a', '-n', 'shop', '--author', 'anna');
    expect((await context('set', 'test', '-n', '')).out).toBe('context test changed\n');
    expect(await readFile(path, 'utf8')).toBe(
      'contexts:\n  - name: test\n    server: http://a\n    author: anna\ncurrent-context: test\n',
    );
  });

  it('keeps comments and unknown keys', async () => {
    path = join(folder, 'contexts.yaml');
    await writeFile(
      path,
      '# mine\nlater: { a: 1 }\ncontexts:\n  - name: test\n    server: http://a\n    secret: s # keep\n',
    );
    await context('set', 'test', '--server', 'http://b');
    expect(await readFile(path, 'utf8')).toBe(
      '# mine\nlater: { a: 1 }\ncontexts:\n  - name: test\n    server: http://b\n    secret: s # keep\ncurrent-context: test\n',
    );
  });

  it('writes a file that only its owner may read, and leaves no temporary file', async () => {
    await context('set', 'test', '--server', 'http://a');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'config'))).mode & 0o777).toBe(0o700);
    await chmod(path, 0o644);
    await context('set', 'test', '--server', 'http://b');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'config'))).toEqual(['contexts.yaml']);
  });

  it('writes the target of a link', async () => {
    const file = join(folder, 'file.yaml');
    path = join(folder, 'link.yaml');
    await writeFile(file, '');
    await symlink(file, path);
    await context('set', 'test', '--server', 'http://a');
    expect(await readFile(file, 'utf8')).toContain('http://a');
  });

  for (const { argv, error } of [
    { argv: ['use', 'tset'], error: 'there is no context "tset" (did you mean "test"?)' },
    { argv: ['use', 'other'], error: 'there is no context "other"; there are: test' },
    { argv: ['use'], error: 'name one context; "binnacle context list" shows them' },
    { argv: ['delete', 'other'], error: 'there is no context "other"; there are: test' },
    { argv: ['set', 'new'], error: 'the new context "new" needs --server URL' },
    {
      argv: ['set', 'a b', '--server', 'http://a'],
      error: 'a context\'s name is letters, digits and . _ - @ : /, not "a b"',
    },
    {
      argv: ['set', 'new', '--server', 'ftp://a'],
      error: '--server must be a URL such as http://127.0.0.1:8080, not "ftp://a"',
    },
    {
      argv: ['set', 'test', '--author', 'a\nb'],
      error: '--author must be one line of at most 200 characters',
    },
    { argv: ['rename', 'a'], error: 'context can list, use, set, delete, show, not "rename"' },
    { argv: ['list', 'x'], error: 'unexpected argument "x"' },
  ]) {
    it(`rejects ${JSON.stringify(argv.join(' '))}`, async () => {
      await context('set', 'test', '--server', 'http://a');
      const before = await readFile(path, 'utf8');
      expect(await context(...argv)).toEqual({ code: 2, out: '', errors: [`binnacle: CONFIG_INVALID: ${error}`] });
      expect(await readFile(path, 'utf8')).toBe(before);
    });
  }

  for (const { name, text, error } of [
    { name: 'invalid YAML', text: 'contexts: [', error: /contexts\.yaml is not YAML: / },
    { name: 'a list', text: '- a', error: /contexts\.yaml must be a map/ },
    { name: 'a contexts key that is not a list', text: 'contexts: 3', error: /contexts must be a list/ },
    { name: 'a context without a server', text: 'contexts: [{ name: a }]', error: /contexts\[0\] needs a server/ },
    {
      name: 'a number as name',
      text: 'contexts: [{ name: 1, server: x }]',
      error: /contexts\[0\]: name must be a text/,
    },
  ]) {
    it(`names the mistake in a file with ${name}`, async () => {
      path = join(folder, 'contexts.yaml');
      await writeFile(path, text);
      const { code, errors } = await context('list');
      expect(code).toBe(2);
      expect(errors.join()).toMatch(error);
    });
  }

  it('reports that the file cannot be written', async () => {
    await writeFile(join(folder, 'config'), 'a file, no directory');
    const { code, errors } = await context('set', 'test', '--server', 'http://a');
    expect(code).toBe(2);
    expect(errors.join()).toMatch(/the contexts file .* cannot be read: ENOTDIR/);
  });
});

describe('the server of a command', () => {
  beforeEach(async () => {
    await context('set', 'one', '--server', 'http://one', '-n', 'first', '--author', 'anna');
    await context('set', 'two', '--server', 'http://two', '-n', 'second');
  });
  const anybody = expect.stringMatching(/^.+@.+$/);

  for (const { name, values, env, want } of [
    { name: 'the current context', values: {}, env: {}, want: ['http://one', 'context one', 'first', 'anna'] },
    {
      name: 'a named context',
      values: { context: ['two'] },
      env: {},
      want: ['http://two', 'context two', 'second', anybody],
    },
    {
      name: 'BINNACLE_SERVER rather than the current context, which is then ignored',
      values: {},
      env: { BINNACLE_SERVER: 'http://three/' },
      want: ['http://three', 'BINNACLE_SERVER', 'default', anybody],
    },
    {
      name: '--context rather than BINNACLE_SERVER',
      values: { context: ['two'] },
      env: { BINNACLE_SERVER: 'http://three' },
      want: ['http://two', 'context two', 'second', anybody],
    },
    {
      name: '--server rather than all others',
      values: { server: ['localhost:1'] },
      env: { BINNACLE_SERVER: 'http://three' },
      want: ['http://localhost:1', '--server', 'default', anybody],
    },
    {
      name: '--server with the namespace and author of a named context',
      values: { server: ['http://x'], context: ['one'] },
      env: {},
      want: ['http://x', '--server', 'first', 'anna'],
    },
    {
      name: '--namespace rather than that of the context',
      values: { namespace: ['mine'] },
      env: {},
      want: ['http://one', 'context one', 'mine', 'anna'],
    },
    {
      name: 'this machine by default',
      values: {},
      env: { BINNACLE_CONTEXTS: '/nowhere/contexts.yaml' },
      want: ['http://127.0.0.1:8080', 'default', 'default', anybody],
    },
  ]) {
    it(name, async () => {
      const { server, from, namespace, author } = await readSettings(values, { BINNACLE_CONTEXTS: path, ...env });
      expect([server, from, namespace, author]).toEqual(want);
    });
  }

  it('is not selected if the named context does not exist', async () => {
    await expect(readSettings({ context: ['three'] }, { BINNACLE_CONTEXTS: path })).rejects.toThrow(
      'there is no context "three"; there are: one, two',
    );
  });

  for (const given of ['0', '-1', 'soon', '1e9']) {
    it(`rejects --timeout ${given}`, async () => {
      await expect(readSettings({ timeout: [given] }, {})).rejects.toThrow(
        '--timeout must be a number of seconds above 0',
      );
    });
  }

  it('accepts fractions of seconds', async () => {
    expect((await readSettings({ timeout: ['1.5'] }, { BINNACLE_CONTEXTS: path })).timeoutMs).toBe(1500);
  });
});

describe('the path of the contexts file', () => {
  for (const { env, want } of [
    { env: { BINNACLE_CONTEXTS: '/a/b', XDG_CONFIG_HOME: '/x' }, want: '/a/b' },
    { env: { XDG_CONFIG_HOME: '/x', HOME: '/h' }, want: '/x/binnacle/contexts.yaml' },
    { env: { HOME: '/h' }, want: '/h/.config/binnacle/contexts.yaml' },
  ]) {
    it(want, () => {
      expect(contextsPath(env)).toBe(want);
    });
  }
});

describe('a server URL', () => {
  for (const { given, want } of [
    { given: '127.0.0.1:8080', want: 'http://127.0.0.1:8080' },
    { given: '[::1]:8080', want: 'http://[::1]:8080' },
    { given: 'https://mesh.example/binnacle/', want: 'https://mesh.example/binnacle' },
    { given: 'HTTP://Mesh.Example', want: 'http://mesh.example' },
  ]) {
    it(`is ${want} for ${given}`, () => {
      expect(serverUrl(given, '--server')).toBe(want);
    });
  }

  for (const given of ['ftp://a', 'http://', 'http://a:b:c', 'http://u:p@a', 'http://a?x=1', 'http://a#x', 'a b']) {
    it(`cannot be ${given}`, () => {
      expect(() => serverUrl(given, '--server')).toThrow('--server must be a URL');
    });
  }
});
