import { writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cliTests, destinationRuleText, rules, virtualServiceText } from '../support/cli-server.ts';

const test = cliTests();

describe('apply', () => {
  it('creates, keeps and changes objects', async () => {
    const path = await test.file('rules.yaml', rules(destinationRuleText('reviews'), virtualServiceText('reviews')));
    const apply = `apply -n ${test.namespace} -f ${path}`;
    expect(await test.ok(`${apply} --dry-run`)).toBe(
      'destinationrule.networking.istio.io/reviews created (dry run)\nvirtualservice.networking.istio.io/reviews created (dry run)\n',
    );
    expect(await test.ok(apply)).toBe(
      'destinationrule.networking.istio.io/reviews created\nvirtualservice.networking.istio.io/reviews created\n',
    );
    await writeFile(path, rules(destinationRuleText('reviews'), virtualServiceText('reviews', { weight: 50 })));
    expect(await test.ok(apply)).toBe(
      'destinationrule.networking.istio.io/reviews unchanged\nvirtualservice.networking.istio.io/reviews configured\n',
    );
    expect((await test.read('vs reviews')).spec.http[0].route[1].weight).toBe(50);
    expect(await test.ok(`${apply} -o name`)).toBe(
      'destinationrule.networking.istio.io/reviews\nvirtualservice.networking.istio.io/reviews\n',
    );
    expect(parse(await test.ok(`${apply} -o yaml`))).toMatchObject({
      kind: 'BatchResult',
      items: [
        { action: 'unchanged', kind: 'DestinationRule', namespace: test.namespace, name: 'reviews' },
        { action: 'unchanged' },
      ],
    });
  });

  it('accepts files, directories, JSON and lists', async () => {
    await test.file('mesh/a.yaml', virtualServiceText('a'));
    await test.file('mesh/b.json', JSON.stringify(parse(virtualServiceText('b'))));
    await test.file('mesh/notes.txt', 'no rules');
    await test.file('mesh/below/c.yml', virtualServiceText('c'));
    const list = { kind: 'List', apiVersion: 'v1', items: [parse(virtualServiceText('d'))] };
    const path = await test.file('list.yaml', JSON.stringify(list));
    const names = async (line: string) => (await test.ok(line)).match(/(?<=\/)\w+/g);
    expect(await names(`apply -n ${test.namespace} -f ${test.folder}/mesh -f ${path} -o name`)).toEqual([
      'a',
      'b',
      'd',
    ]);
    expect(await names(`apply -n ${test.namespace} -R -f ${test.folder}/mesh -o name`)).toEqual(['a', 'b', 'c']);
  });

  it('sets the namespace of objects without one, except cluster-scoped ones', async () => {
    const own = virtualServiceText('own').replace('name: own', `name: own, namespace: ${test.namespace}-b`);
    const made = `\napiVersion: v1\nkind: Namespace\nmetadata: { name: ${test.namespace}-c }\n`;
    await test.ok('apply -f -', { input: rules(own, made) });
    expect(await test.ok(`get vs own -n ${test.namespace}-b -o name`)).toBe('virtualservice.networking.istio.io/own\n');
    expect(await test.run(`apply -n ${test.namespace} -f -`, { input: own })).toMatchObject({
      code: 4,
      errors: [
        `standard input: document 1 (VirtualService ${test.namespace}-b/own), line 4: metadata.namespace: is "${test.namespace}-b", but --namespace is "${test.namespace}"`,
        'binnacle: DOCUMENT_INVALID: 1 problem; nothing was sent',
      ],
    });
  });

  it('names file, document, line and field of every mistake, and changes nothing', async () => {
    const path = await test.file(
      'rules.yaml',
      rules(destinationRuleText('good'), virtualServiceText('bad', { field: 'wieght' })),
    );
    const other = await test.file(
      'other.yaml',
      destinationRuleText('other').replace('host: other.test', 'host: 7, hots: x'),
    );
    const { code, out, errors } = await test.run(`apply -n ${test.namespace} -f ${path} -f ${other}`);
    expect({ code, out }).toEqual({ code: 4, out: '' });
    expect(errors).toEqual([
      `${path}: document 2 (VirtualService ${test.namespace}/bad), line 17: spec.http[0].route[1].wieght: unknown field (did you mean "weight"?)`,
      expect.stringMatching(
        /^.*other\.yaml: document 1 \(DestinationRule .*\/other\), line 5: spec\.host: expected string/,
      ),
      expect.stringMatching(
        /^.*other\.yaml: document 1 .* line 5: spec\.hots: unknown field \(did you mean "host"\?\)$/,
      ),
      'binnacle: REQUEST_REFUSED: refused for 3 problems; nothing was changed',
    ]);
    expect((await test.run(`get dr good -n ${test.namespace}`)).code).toBe(4);
  });

  it('sends nothing if one of the files is invalid YAML', async () => {
    const good = await test.file('a-good.yaml', virtualServiceText('good'));
    const bad = await test.file('bad.yaml', 'kind: A\nspec: [1\nmetadata: {}\n');
    const { code, errors } = await test.run(`apply -n ${test.namespace} -f ${good} -f ${bad}`, {
      env: { BINNACLE_SERVER: 'x:1' },
    });
    expect(code).toBe(4);
    expect(errors).toEqual([
      expect.stringMatching(/bad\.yaml: document 1, line 3, column 1: /),
      expect.stringMatching(/^binnacle: DOCUMENT_INVALID: \d problems?; nothing was sent$/),
    ]);
  });

  it('drops unknown fields on request, with or without a warning', async () => {
    const text = destinationRuleText('loose').replace('host:', 'hots: x, host:');
    const warned = await test.run(`apply -n ${test.namespace} --field-validation warn -f -`, { input: text });
    expect(warned.code).toBe(0);
    expect(warned.errors).toEqual([expect.stringMatching(/^Warning: .*spec\.hots/)]);
    await test.ok(`apply -n ${test.namespace} --field-validation ignore -f -`, { input: text });
    expect((await test.read('dr loose')).spec).toEqual({ host: 'loose.test' });
  });

  it('is rejected if an object was changed since it was read', async () => {
    await test.apply(virtualServiceText('raced'));
    const old = await test.ok(`get vs raced -n ${test.namespace} -o yaml`);
    await test.apply(virtualServiceText('raced', { weight: 1 }));
    const { code, errors } = await test.run('apply -f -', { input: old.replace('weight: 90', 'weight: 80') });
    expect(code).toBe(4);
    expect(errors[0]).toMatch(
      /^standard input: document 1 \(VirtualService .*raced\), line 1: .*was changed meanwhile/,
    );
  });

  for (const { name, line, input = '', code = 2, error } of [
    { name: 'no file', line: 'apply', error: /apply needs -f FILE/ },
    { name: 'a missing file', line: 'apply -f nowhere.yaml', error: /nowhere\.yaml does not exist/ },
    { name: 'an empty text', line: 'apply -f -', input: '# nothing\n', error: /there is no document in -/ },
    { name: 'a word too many', line: 'apply rules.yaml', error: /unexpected argument "rules.yaml"/ },
    { name: 'standard input twice', line: 'apply -f - -f -', error: /can be read only once/ },
    { name: 'an unknown format', line: 'apply -f - -o xml', error: /--output must be one of text, name, yaml, json/ },
    {
      name: 'an unknown kind',
      line: 'apply -f -',
      input: 'kind: Nothing\napiVersion: v1\nmetadata: { name: a }\n',
      code: 4,
      error: /line 1: kind: unknown kind "Nothing"/,
    },
    {
      name: 'no kind',
      line: 'apply -f -',
      input: 'metadata: { name: a }\n',
      code: 4,
      error: /line 1: kind: must say the kind/,
    },
    {
      name: 'no server',
      line: 'apply -f - --server 127.0.0.1:2',
      input: destinationRuleText('a'),
      code: 3,
      error: /127\.0\.0\.1:2 \(--server\) cannot be reached/,
    },
  ]) {
    it(`names the mistake: ${name}`, async () => {
      const result = await test.run(line, { input });
      expect(result.errors.join('\n')).toMatch(error);
      expect({ code: result.code, out: result.out }).toEqual({ code, out: '' });
    });
  }

  it('rejects bytes that are not text', async () => {
    const path = await test.file('binary.yaml', '');
    await writeFile(path, Buffer.from([0x6b, 0xff, 0xfe]));
    expect(await test.run(`apply -f ${path}`)).toMatchObject({
      code: 4,
      errors: [expect.stringContaining('is not UTF-8 text')],
    });
  });

  it('reports that the input exceeds one transaction', async () => {
    const big = virtualServiceText('big').replace('metadata:', `metadata2: ${'x'.repeat(11 * 1024 * 1024)}\nmetadata:`);
    const { code, errors } = await test.run('apply -f -', { input: big });
    expect(code).toBe(2);
    expect(errors.join()).toMatch(
      /the documents are 11\.0 MiB as JSON, and a server takes 10\.0 MiB in one transaction/,
    );
  });

  it('applies a thousand objects in one transaction', async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => destinationRuleText(`many-${index}`));
    expect((await test.apply(rules(...many))).match(/ created$/gm)).toHaveLength(1_000);
  });
});

describe('diff', () => {
  it('shows what apply would change, and exits with 1', async () => {
    await test.apply(rules(virtualServiceText('a'), destinationRuleText('a')));
    const path = await test.file(
      'new.yaml',
      rules(destinationRuleText('a'), virtualServiceText('a', { weight: 80 }), destinationRuleText('b')),
    );
    const { code, out, errors } = await test.run(`diff -n ${test.namespace} -f ${path}`);
    expect({ code, errors }).toEqual({ code: 1, errors: [] });
    expect(out).toContain(
      `--- server: VirtualService ${test.namespace}/a\n+++ ${path}: document 2 (VirtualService ${test.namespace}/a)\n@@ `,
    );
    expect(
      out
        .match(/^[-+] .*$/gm)
        ?.map((line) => line.replace(/ +/, ' '))
        .slice(0, 4),
    ).toEqual(['- weight: 90', '+ weight: 80', '- weight: 10', '+ weight: 20']);
    expect(out).toContain(`--- /dev/null\n+++ ${path}: document 3 (DestinationRule ${test.namespace}/b)\n@@ -0,0 +1,`);
    expect(await test.run(`get dr b -n ${test.namespace}`)).toMatchObject({ code: 4 });
  });

  it('exits with 0 when nothing would change', async () => {
    await test.apply(virtualServiceText('a'));
    expect(await test.ok(`diff -n ${test.namespace} -f -`, { input: virtualServiceText('a') })).toBe('');
  });

  it('exits above 1 when apply would be rejected or nobody answers', async () => {
    const input = virtualServiceText('a', { field: 'wieght' });
    const { code, errors } = await test.run(`diff -n ${test.namespace} -f -`, { input });
    expect(code).toBe(4);
    expect(errors).toEqual([
      expect.stringMatching(
        /^standard input: document 1 .*, line 12: spec\.http\[0\]\.route\[1\]\.wieght: unknown field/,
      ),
      'binnacle: REQUEST_REFUSED: apply would be refused for 1 problem',
    ]);
    expect((await test.run('diff -f - --server 127.0.0.1:2', { input })).code).toBe(3);
    expect((await test.run('diff')).code).toBe(2);
    expect((await test.run('diff -f -', { input: 'kind: X\napiVersion: v1\nmetadata: { name: a }\n' })).code).toBe(4);
  });
});

describe('delete', () => {
  beforeEach(async () => {
    await test.apply(
      rules(virtualServiceText('a', { labels: '{ app: a }' }), virtualServiceText('b'), destinationRuleText('a')),
    );
  });
  it('deletes by name, all or none', async () => {
    const refused = await test.run(`delete vs a nothing -n ${test.namespace}`);
    expect(refused.code).toBe(4);
    expect(refused.errors[0]).toMatch(/\(VirtualService .*nothing\): virtualservices "nothing" not found/);
    expect(await test.ok(`get vs -n ${test.namespace} -o name`)).toContain('/a');
    expect(await test.ok(`delete vs a nothing -n ${test.namespace} --ignore-not-found`)).toBe(
      'virtualservice.networking.istio.io/a deleted\n',
    );
    expect(await test.ok(`delete vs/b dr/a -n ${test.namespace} --dry-run`)).toContain(
      'virtualservice.networking.istio.io/b deleted (dry run)\n',
    );
    expect(await test.ok(`delete vs/b dr/a -n ${test.namespace}`)).toBe(
      'virtualservice.networking.istio.io/b deleted\ndestinationrule.networking.istio.io/a deleted\n',
    );
    expect(await test.run(`get all -n ${test.namespace}`)).toMatchObject({ out: '' });
  });

  it('deletes the objects in files', async () => {
    const path = await test.file('rules.yaml', rules(virtualServiceText('a'), destinationRuleText('a')));
    await test.ok(`delete -f ${path} -n ${test.namespace}`);
    expect(await test.ok(`get all -n ${test.namespace} -o name`)).toBe('virtualservice.networking.istio.io/b\n');
  });

  it('deletes by label', async () => {
    expect(await test.ok(`delete vs -l app=a -n ${test.namespace}`)).toBe(
      'virtualservice.networking.istio.io/a deleted\n',
    );
    expect(await test.run(`delete vs -l app=a -n ${test.namespace}`)).toMatchObject({
      code: 0,
      errors: ['there is nothing to delete'],
    });
  });

  it('asks before it deletes everything', async () => {
    const line = `delete vs --all -n ${test.namespace}`;
    const nobody = await test.run(line);
    expect(nobody).toMatchObject({ code: 2, out: '', errors: [expect.stringContaining('Say so with --yes')] });
    const no = await test.run(line, { atTerminal: true, input: 'n\n' });
    expect(no.errors[0]).toBe(`Delete all of vs in the namespace ${test.namespace} (2)? [y/N]`);
    expect(no).toMatchObject({ code: 2, out: '' });
    expect((await test.run(line, { atTerminal: true, input: '' })).code).toBe(2);
    expect((await test.run(line, { atTerminal: true, input: 'yes\n' })).out.match(/deleted/g)).toHaveLength(2);
    await test.apply(virtualServiceText('c'));
    expect(await test.ok(`${line} --yes`)).toBe('virtualservice.networking.istio.io/c deleted\n');
    expect(await test.ok(`get all -n ${test.namespace} -o name`)).toBe('destinationrule.networking.istio.io/a\n');
  });

  for (const { line, error } of [
    { line: 'delete', error: /name what to delete/ },
    { line: 'delete vs', error: /name what to delete/ },
    { line: 'delete vs a --all', error: /--all goes with a kind/ },
    { line: 'delete vs --all -l a=b', error: /exclude each other/ },
    { line: 'delete vs -f x', error: /-f goes without vs/ },
  ]) {
    it(`names the mistake in "${line}"`, async () => {
      const { code, errors } = await test.run(line);
      expect(errors.join('\n')).toMatch(error);
      expect(code).toBe(2);
    });
  }
});
