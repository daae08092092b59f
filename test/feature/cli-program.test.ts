import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { machine } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Child, startChild } from '../support/child.ts';
import { cliTests, destinationRuleText, rules, virtualServiceText } from '../support/cli-server.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { partProgram } from '../support/parts.ts';

const program = join(import.meta.dirname, '../../bin/binnacle.mjs');

const test = cliTests();

describe('export and import', () => {
  let from: ControlPlane;
  let to: ControlPlane;
  beforeAll(async () => {
    [from, to] = await Promise.all([startControlPlane(), startControlPlane()]);
  });
  afterAll(() => Promise.all([from?.stop(), to?.stop()]));

  it('copy everything to another server, including precedence, even from one that was killed', async () => {
    const here = { env: { BINNACLE_SERVER: `http://127.0.0.1:${from.httpPort}` } };
    const there = { env: { BINNACLE_SERVER: `http://127.0.0.1:${to.httpPort}` } };
    const made = '\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { team: a } }\n';
    await test.ok('apply -f -', {
      ...here,
      input: rules(virtualServiceText('a'), virtualServiceText('b'), destinationRuleText('c'), made),
    });
    await test.ok('apply -f -', { ...there, input: destinationRuleText('extra') });
    const path = await test.file('rules.yaml', await test.ok('export', here));

    expect(await test.ok(`import -f ${path} --replace --dry-run`, there)).toContain(
      'destinationrule.networking.istio.io/extra deleted (dry run)\n',
    );
    expect(await test.ok(`import -f ${path}`, there)).toBe(
      [
        'virtualservice.networking.istio.io/a created',
        'virtualservice.networking.istio.io/b created',
        'destinationrule.networking.istio.io/c created',
        'namespace/shop created',
        '4 created, 0 configured, 0 unchanged, 0 deleted',
        '',
      ].join('\n'),
    );
    expect(await test.ok(`import -f ${path} --replace`, there)).toBe(
      'destinationrule.networking.istio.io/extra deleted\n0 created, 0 configured, 4 unchanged, 1 deleted\n',
    );
    const exported = identities(await test.ok('export', here));
    expect(identities(await test.ok('export', there))).toEqual(exported);
    expect(identities(await test.ok('export -o json', there))).toEqual(exported);

    const snapshot = join(to.dataDir, 'rules.snapshot.json');
    const isWritten = async () => !(await readFile(snapshot, 'utf8')).includes('extra');
    await eventually(isWritten, { what: 'the snapshot is written' });
    await to.kill();
    expect(identities(await test.ok(`export --data-dir ${to.dataDir}`))).toEqual(exported);
    expect(identities(await test.ok(`export --data-dir ${snapshot} -o json`))).toEqual(exported);
  });

  it('report mistakes', async () => {
    expect(await test.run('import')).toMatchObject({ code: 2 });
    expect(await test.run(`export --data-dir ${test.folder}`)).toMatchObject({
      code: 2,
      errors: [expect.stringMatching(/there is no .*rules\.snapshot\.json: is .* the data directory of a server\?/)],
    });
    expect((await test.run('export --data-dir x --server y')).code).toBe(2);
    const bad = virtualServiceText('a', { field: 'wieght' });
    const { code, errors } = await test.run('import -f -', { input: bad });
    expect(code).toBe(4);
    expect(errors[0]).toMatch(/^standard input: document 1 .*line 12: spec\.http\[0\]\.route\[1\]\.wieght/);
    await test.file('rules.snapshot.json', 'garbage');
    expect(await test.run(`export --data-dir ${test.folder}`)).toMatchObject({
      code: 1,
      errors: [expect.stringContaining('binnacle: SNAPSHOT_DAMAGED')],
    });
  });
});

/** Lists creation times and UIDs of YAML documents or of a list, sorted. */
const identities = (text: string) =>
  parseAllDocuments(text)
    .map((document) => document.toJS())
    .flatMap((object) => object.items ?? [object])
    .map(({ apiVersion, kind, metadata: { namespace, name, creationTimestamp, uid, labels }, spec }) =>
      JSON.stringify({ apiVersion, kind, namespace, name, creationTimestamp, uid, labels, spec }),
    )
    .sort();

describe('the program', () => {
  const start = (...argv: readonly string[]): Child =>
    startChild({
      name: 'cli',
      command: process.execPath,
      args: [program, ...argv],
      env: { BINNACLE_SERVER: test.server, BINNACLE_CONTEXTS: '/dev/null' },
    });

  it('shows changes as they happen, until Ctrl-C', async () => {
    const watch = start('get', 'vs', '-n', test.namespace, '-w');
    const shows = (text: string) => eventually(() => watch.stdout().includes(text), { what: text });
    await shows('EVENT');
    await test.apply(virtualServiceText('a'));
    await shows('ADDED      a ');
    await test.apply(virtualServiceText('a', { weight: 1 }));
    await shows('MODIFIED   a ');
    await test.ok(`delete vs a -n ${test.namespace}`);
    await shows('DELETED    a ');
    watch.signal('SIGINT');
    expect(await watch.exited).toBe(0);
    expect(watch.stderr()).toBe('');
  });

  it('exits with the documented codes', async () => {
    const codeOf = (...argv: readonly string[]) => start(...argv).exited;
    expect(
      await Promise.all([
        codeOf('get', 'vs', '-A'),
        codeOf('get', 'nothing'),
        codeOf('get', 'vs', '--server', '127.0.0.1:2'),
        codeOf('get', 'vs', 'nothing'),
        codeOf('export', '--server', '127.0.0.1:2'), // at once, without waiting for a timer
      ]),
    ).toEqual([0, 2, 3, 4, 3]);
  });

  it('exits quietly when its reader closes the pipe', async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => destinationRuleText(`many-${index}`)); // exceeds a pipe
    await test.apply(rules(...many));
    const line = `"$0" "$1" export | head -c 1; echo "\${PIPESTATUS[0]}"`;
    const env = { ...process.env, BINNACLE_SERVER: test.server, BINNACLE_CONTEXTS: '/dev/null' };
    const { stdout, stderr } = spawnSync('bash', ['-c', line, process.execPath, program], { env, encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'a0\n', stderr: '' });
  });

  it('reads standard input', () => {
    const env = { ...process.env, BINNACLE_SERVER: test.server, BINNACLE_CONTEXTS: '/dev/null' };
    const args = [program, 'apply', '-n', test.namespace, '-f', '-'];
    const { stdout } = spawnSync(process.execPath, args, { env, encoding: 'utf8', input: virtualServiceText('a') });
    expect(stdout).toBe('virtualservice.networking.istio.io/a created\n');
  });
});

describe('completion', () => {
  /** Returns what bash offers for a line whose last word is being typed. */
  function bash(contexts: string, ...words: readonly string[]): readonly string[] {
    const script = `
      binnacle() { "${process.execPath}" "${program}" "$@"; }
      source <(binnacle completion bash)
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _binnacle; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { ...process.env, BINNACLE_SERVER: test.server, BINNACLE_CONTEXTS: contexts };
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', 'binnacle', ...words], {
      env,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.split('\n').filter(Boolean);
  }

  it('offers commands, flags, kinds, names, contexts and files to bash', async () => {
    await test.apply(rules(virtualServiceText('reviews'), virtualServiceText('ratings')));
    const contexts = await test.file('contexts.yaml', 'contexts: [{ name: test, server: "http://a" }]');
    const path = await test.file('rules.yaml', '');
    const offered = (...words: readonly string[]) => bash(contexts, ...words);
    expect(offered('ro')).toEqual(['rollback', 'route-test']);
    expect(offered('get', '--out')).toEqual(['--output']);
    expect(offered('get', '-o', 'y')).toEqual(['yaml']);
    expect(offered('get', '--output', '=', 'y')).toEqual(['yaml']);
    expect(offered('get', 'virtuals')).toEqual(['virtualservices']);
    expect(offered('get', 'vs,destination')).toEqual(['vs,destinationrules']);
    expect(offered('get', '-n', test.namespace, 'vs', 'r')).toEqual(['ratings', 'reviews']);
    expect(offered('history', '-n', test.namespace, 'vs/re')).toEqual(['vs/reviews']);
    expect(offered('delete', '-n', test.namespace, 'vs', 'ratings', '')).toEqual(['reviews']);
    expect(offered('get', '-n', `${test.namespace.slice(0, 5)}`)).toContain(test.namespace);
    expect(offered('get', '--context', 't')).toEqual(['test']);
    expect(offered('context', 'use', '')).toEqual(['test']);
    expect(offered('apply', '-f', path.slice(0, -3))).toEqual([path]);
    expect(offered('completion', 'z')).toEqual(['zsh']);
    expect(offered('help', 'appl')).toEqual(['apply']);
  });

  it('offers nothing, and reports no error, if nothing can be found', () => {
    expect(bash('/dev/null', 'nothing', '')).toEqual([]);
    expect(bash('/dev/null', 'get', '--server', '127.0.0.1:2', 'vs', '')).toEqual([]);
    expect(bash('/dev/null', 'get', '--unknown', 'x', 'v')).toEqual([]);
  });

  it('completes a value after "=" as one word for other shells', async () => {
    expect(await test.ok('__complete -- get --output=y')).toBe('--output=yaml\n');
  });
});

describeWith(['zsh', 'fish'], 'completion for other shells', () => {
  for (const shell of ['zsh', 'fish'] as const) {
    it(`is a script that ${shell} can parse`, async () => {
      const libraries = join(dirname(await partProgram('fish')), '../lib', `${machine()}-linux-gnu`);
      const script = await test.file(`completion.${shell}`, await test.ok(`completion ${shell}`));
      const { status, stderr } = spawnSync(await partProgram(shell), ['-n', script], {
        env: { LD_LIBRARY_PATH: libraries, HOME: '/nonexistent' },
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    });
  }
});
