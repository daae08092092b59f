import { beforeEach, describe, expect, it } from 'vitest';
import { cliTests, destinationRuleText, rules, virtualServiceText } from '../support/cli-server.ts';

const test = cliTests();

describe('get', () => {
  beforeEach(async () => {
    await test.apply(
      rules(virtualServiceText('a', { labels: '{ app: a }' }), virtualServiceText('b'), destinationRuleText('a')),
    );
  });

  it('shows a table, with more columns on request', async () => {
    const out = await test.ok(`get vs -n ${test.namespace}`);
    expect(out).toMatch(/^NAME +.*HOSTS +.*AGE\na +.*a\.test +.*\d+s\nb +.*b\.test/);
    const wide = await test.ok(`get virtualservice -n ${test.namespace} -o wide`);
    expect(wide.split('\n')[0]?.length).toBeGreaterThan(out.split('\n')[0]?.length ?? 0);
    expect(await test.ok(`get VirtualServices -A -l app=a`)).toMatch(
      new RegExp(`NAMESPACE +NAME.*\n(.*\n)*${test.namespace} +a `),
    );
  });

  it('shows several kinds', async () => {
    const out = await test.ok(`get vs,dr -n ${test.namespace}`);
    expect(out.match(/^\w+\.networking\.istio\.io\/\w/gm)).toEqual([
      'virtualservice.networking.istio.io/a',
      'virtualservice.networking.istio.io/b',
      'destinationrule.networking.istio.io/a',
    ]);
    expect(await test.ok(`get all -n ${test.namespace} -o name`)).toBe(
      `${out.match(/^\w+\.networking\.istio\.io\/\w/gm)?.join('\n')}\n`,
    );
    expect(await test.ok(`get rules -n ${test.namespace} -o name`)).toBe(
      await test.ok(`get all -n ${test.namespace} -o name`),
    );
    expect(await test.ok(`get vs/a dr/a -n ${test.namespace} -o name`)).toBe(
      'virtualservice.networking.istio.io/a\ndestinationrule.networking.istio.io/a\n',
    );
  });

  it('prints output that apply accepts', async () => {
    const yaml = await test.ok(`get vs a -n ${test.namespace} -o yaml`);
    expect(await test.ok('apply -f -', { input: yaml })).toBe('virtualservice.networking.istio.io/a unchanged\n');
    const list = await test.ok(`get vs,dr -n ${test.namespace} -o yaml`);
    expect((await test.ok('apply -f -', { input: list })).match(/unchanged/g)).toHaveLength(3);
  });

  it('selects by labels', async () => {
    expect(await test.ok(`get vs -n ${test.namespace} -l app=a -o name`)).toBe(
      'virtualservice.networking.istio.io/a\n',
    );
    expect(
      (await test.read('vs -l app!=a')).items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ).toEqual(['b']);
  });

  it('shows the existing ones of the named objects', async () => {
    const { code, out, errors } = await test.run(`get vs a nothing -n ${test.namespace} -o name`);
    expect({ code, out }).toEqual({ code: 4, out: 'virtualservice.networking.istio.io/a\n' });
    expect(errors).toEqual([expect.stringMatching(/^binnacle: REQUEST_REFUSED: virtualservices "nothing" not found/)]);
  });

  it('reports an empty list', async () => {
    expect(await test.run(`get gateways -n ${test.namespace}`)).toEqual({
      code: 0,
      out: '',
      errors: [`there is nothing in the namespace ${test.namespace}`],
    });
  });

  for (const { line, error } of [
    { line: 'get', error: /name a kind: .*virtualservices/ },
    { line: 'get virtualservics', error: /unknown kind "virtualservics" \(did you mean "virtualservices"\?\)/ },
    { line: 'get vs,dr a', error: /names go with one kind/ },
    { line: 'get vs/a dr', error: /"dr" must be KIND\/NAME/ },
    { line: 'get vs -A -n a', error: /exclude each other/ },
    { line: 'get vs a -A', error: /an object that is named is in one namespace/ },
    { line: 'get vs a -l x=y', error: /--selector goes with all objects/ },
    { line: 'get vs,dr -w', error: /--watch goes with one kind/ },
    { line: 'get vs --context other', error: /there is no context "other"/ },
  ]) {
    it(`names the mistake in "${line}"`, async () => {
      const { code, out, errors } = await test.run(line);
      expect(errors.join('\n')).toMatch(error);
      expect({ code, out }).toEqual({ code: 2, out: '' });
    });
  }

  it('rejects an invalid selector', async () => {
    expect((await test.run('get vs -l a=b=c')).code).toBe(4);
  });
});

describe('history and rollback', () => {
  it('show who changed what, and restore it', async () => {
    const contexts = await test.file('contexts.yaml', '');
    const env = { BINNACLE_CONTEXTS: contexts, BINNACLE_SERVER: '' };
    await test.ok(`context set here --server ${test.server} -n ${test.namespace} --author Änne`, { env });
    await test.ok('apply -f -', { env, input: virtualServiceText('a') });
    await test.ok('apply -f -', { env, input: virtualServiceText('a', { weight: 70 }) });
    const out = await test.ok('history vs a', { env });
    expect(out).toMatch(
      /^VERSION +TIME +AUTHOR +CHANGE +FIELDS\n(\d+) +\S+ +Änne +updated +spec\.http\[0\]\.route\[0\]\.weight, .*\n(\d+) +\S+ +Änne +created\n$/,
    );
    const [, newer, older] = /\n(\d+) [^\n]*\n(\d+) /.exec(out) ?? [];
    const diff = await test.ok('history vs a --diff', { env });
    expect(diff).toContain(`--- version ${older}\n+++ version ${newer} (Änne, `);
    expect(diff).toContain('-          weight: 90\n+          weight: 70\n');
    expect(JSON.parse(await test.ok('history vs/a -o json', { env })).items[1]).toMatchObject({
      type: 'created',
      author: 'Änne',
    });

    expect(await test.ok('rollback vs a --dry-run', { env })).toMatch(
      /rolled back to the version before \(dry run\)\n$/,
    );
    expect((await test.read('vs a')).spec.http[0].route[0].weight).toBe(70);
    expect(await test.ok('rollback vs a', { env })).toMatch(
      /^virtualservice\.networking\.istio\.io\/a rolled back to the version before, now version \d+\n$/,
    );
    expect((await test.read('vs a')).spec.http[0].route[0].weight).toBe(90);
    await test.ok(`rollback vs a --to ${newer}`, { env });
    expect((await test.read('vs a')).spec.http[0].route[0].weight).toBe(70);

    await test.ok('delete vs a', { env });
    expect((await test.ok('history vs a', { env })).split('\n')[1]).toMatch(/ removed$/);
    await test.ok('rollback vs a', { env });
    expect((await test.read('vs a')).spec.http[0].route[0].weight).toBe(70);
  });

  it('report missing objects and versions', async () => {
    await test.apply(virtualServiceText('a'));
    expect(await test.run(`history vs nothing -n ${test.namespace}`)).toMatchObject({ code: 4 });
    const { code, errors } = await test.run(`rollback vs a --to 999999 -n ${test.namespace}`);
    expect(code).toBe(4);
    expect(errors.join()).toMatch(/has no version 999999 in its history; there are \d+/);
    expect((await test.run('history vs')).errors.join()).toContain('name one object: KIND NAME');
    expect((await test.run('rollback vs a b')).code).toBe(2);
  });
});

describe('audit', () => {
  it('shows successful and rejected requests', async () => {
    await test.apply(virtualServiceText('a'));
    await test.run(`delete vs nothing -n ${test.namespace}`);
    const out = await test.ok(`audit -n ${test.namespace}`);
    expect(out).toMatch(
      new RegExp(`^TIME +AUTHOR +FROM +VERB +OBJECT +CODE.*\n.* apply +VirtualService/${test.namespace}/a +201\n`),
    );
    const { items } = JSON.parse(await test.ok('audit --limit 2 -o json'));
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({ verb: 'delete', code: 404 });
  });

  it('reads several pages', async () => {
    await test.apply(rules(...Array.from({ length: 1_200 }, (_, index) => destinationRuleText(`page-${index}`))));
    const { items } = JSON.parse(await test.ok(`audit -n ${test.namespace} --limit 1100 -o json`));
    expect(new Set(items.map(({ name }: { name: string }) => name)).size).toBe(1_100);
  });

  it('rejects an invalid limit', async () => {
    expect((await test.run('audit --limit 0')).code).toBe(2);
  });
});
