import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { createKubectl, type Kubectl } from '../support/kubectl.ts';

/** Builds the YAML of a VirtualService; the rule answers with the text `status`. */
const virtualService = (name: string, { status = 200, labels = '{}', namespace = 'default' } = {}) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
  namespace: ${namespace}
  labels: ${labels}
spec:
  hosts: [${name}.test]
  http:
    - name: main
      directResponse: { status: ${status} }
`;
const virtualServiceObject = (name: string) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace: 'default' },
  spec: { hosts: [`${name}.test`], http: [{ directResponse: { status: 200 } }] },
});
const destinationRule = (name: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: default }
spec: { host: known.test }
`;
const serviceEntry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: known, namespace: default }
spec: { hosts: [known.test, shop.test], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS }
`;

let dataDir: string;
let controlPlane: ControlPlane;
let kubectl: Kubectl;

const lines = (text: string): string[] => text.trimEnd().split('\n');
/** Splits each line of a table into its cells. */
const rows = (text: string): string[][] => lines(text).map((line) => line.split(/\s{2,}/));
const json = async (command: string) => JSON.parse(await kubectl.ok(`${command} -o json`));
const apply = (stdin: string, flags = '') => kubectl.ok(`apply -f -${flags}`, { stdin });

describeWith(['kubectl'], 'a stock kubectl, without Kubernetes', () => {
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'binnacle-kubectl-data-'));
    controlPlane = await startControlPlane({ dataDir });
    kubectl = await createKubectl(controlPlane.httpPort);
    await apply(serviceEntry);
  });
  afterAll(async () => {
    await controlPlane?.stop();
    await Promise.all([kubectl?.delete(), rm(dataDir, { recursive: true, force: true })]);
  });
  /** Removes the objects of earlier tests. */
  beforeEach(async () => {
    await kubectl.ok('delete vs,dr --all -A');
  });

  describe('applies', () => {
    it('creates, keeps and changes objects', async () => {
      expect(await apply(virtualService('shop'))).toBe('virtualservice.networking.istio.io/shop created\n');
      expect(await apply(virtualService('shop'))).toBe('virtualservice.networking.istio.io/shop unchanged\n');
      expect(await apply(virtualService('shop', { status: 418 }))).toBe(
        'virtualservice.networking.istio.io/shop configured\n',
      );
      expect((await json('get vs shop')).spec.http[0].directResponse.status).toBe(418);
    });

    it('removes a field that the file no longer has', async () => {
      await apply(`${virtualService('shop')}  gateways: [mesh]\n`);
      expect((await json('get vs shop')).spec.gateways).toEqual(['mesh']);
      await apply(virtualService('shop'));
      expect((await json('get vs shop')).spec.gateways).toBeUndefined();
    });

    it('a List, although kubectl reads OpenAPI 2 before it', async () => {
      const items = [{ ...virtualServiceObject('a') }, { ...virtualServiceObject('b') }];
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      const said = (word: string) => ['a', 'b'].map((name) => `virtualservice.networking.istio.io/${name} ${word}`);
      expect(lines(await apply(list))).toEqual(said('created'));
      expect(lines(await apply(list))).toEqual(said('unchanged'));
      await kubectl.ok('delete vs b');
      expect(lines(await apply(await kubectl.ok('get vs -o yaml')))).toEqual(said('configured').slice(0, 1));
    });

    it('alternating with binnacle apply: neither changes anything after the other', async () => {
      await apply(virtualService('shop'));
      const server = ['--server', `http://127.0.0.1:${controlPlane.httpPort}`];
      const call = { input: virtualService('shop') };
      for (let turn = 0; turn < 2; turn++) {
        expect((await cli(['apply', '-f', '-', ...server], call)).out).toContain('shop unchanged');
        expect(await apply(virtualService('shop'))).toBe('virtualservice.networking.istio.io/shop unchanged\n');
      }
      expect(await cli(['diff', '-f', '-', ...server], call)).toMatchObject({ code: 0, out: '' });
    });

    it('unresolved references, with a warning', async () => {
      const text = virtualService('shop').replace(
        'directResponse: { status: 200 }',
        'route: [{ destination: { host: ghost } }]',
      );
      const { code, stderr } = await kubectl.run('apply -f -', { stdin: text });
      expect(code).toBe(0);
      const server = ['--server', `http://127.0.0.1:${controlPlane.httpPort}`];
      const applied = await cli(['apply', '-f', '-', ...server], { input: text });
      expect(applied).toMatchObject({ code: 0, out: expect.stringContaining('shop unchanged') });
      expect(applied.errors.join()).toMatch(/^Warning: .*there is no service ghost\.default\.svc\.cluster\.local$/);
      expect(stderr).toContain(
        'Warning: spec.http[0].route[0].destination: there is no service ghost.default.svc.cluster.local',
      );
    });

    it('several documents and a directory of files', async () => {
      expect(lines(await apply([virtualService('a'), destinationRule('a')].join('---')))).toEqual([
        'virtualservice.networking.istio.io/a created',
        'destinationrule.networking.istio.io/a created',
      ]);
      await kubectl.file('rules/a.yaml', virtualService('a'));
      await kubectl.file('rules/b.yaml', `${virtualService('b')}---${destinationRule('b')}`);
      expect(lines(await kubectl.ok('apply -f rules'))).toEqual([
        'virtualservice.networking.istio.io/a unchanged',
        'virtualservice.networking.istio.io/b created',
        'destinationrule.networking.istio.io/b created',
      ]);
    });

    it('prunes objects that the files no longer have', async () => {
      const labels = '{ app: pruned }';
      const flags = ' --prune -l app=pruned --prune-allowlist=networking.istio.io/v1/VirtualService';
      await apply(`${virtualService('a', { labels })}---${virtualService('b', { labels })}---${virtualService('c')}`);
      expect(lines(await apply(virtualService('a', { labels }), flags))).toEqual([
        'virtualservice.networking.istio.io/a unchanged',
        'virtualservice.networking.istio.io/b pruned',
      ]);
      expect(lines(await kubectl.ok('get vs -o name'))).toEqual([
        'virtualservice.networking.istio.io/a',
        'virtualservice.networking.istio.io/c',
      ]);
    });

    it('runs dry, and shows what would change', async () => {
      const dryRun = ' --dry-run=server';
      expect(await apply(virtualService('shop'), dryRun)).toBe(
        'virtualservice.networking.istio.io/shop created (server dry run)\n',
      );
      const file = await kubectl.file('shop.yaml', virtualService('shop'));
      expect(await kubectl.ok(`create -f ${file}${dryRun}`)).toContain('created (server dry run)');
      expect(await kubectl.ok('get vs -o name')).toBe('');

      await kubectl.ok(`apply -f ${file}`);
      expect(await kubectl.ok(`diff -f ${file}`)).toBe('');
      await kubectl.file('shop.yaml', virtualService('shop', { status: 418 }));
      const differs = await kubectl.run(`diff -f ${file}`);
      expect(differs).toMatchObject({ code: 1, stderr: '' });
      expect(differs.stdout).toMatch(/-\s+status: 200\n\+\s+status: 418/);
      expect((await json('get vs shop')).spec.http[0].directResponse.status).toBe(200);
    });
  });

  describe('reads', () => {
    beforeEach(async () => {
      const [a, b] = ['{ app: a, tier: web }', '{ app: b }'];
      await apply(
        [
          virtualService('one', { labels: a }),
          virtualService('two', { labels: b }),
          virtualService('three', { labels: b, namespace: 'other' }),
          destinationRule('one'),
        ].join('---'),
      );
    });

    it('tables: a list, one, all namespaces, wide', async () => {
      const list = rows(await kubectl.ok('get vs'));
      expect(list[0]?.[0]).toBe('NAME');
      expect(list[0]).toEqual(expect.arrayContaining(['PROGRAMMED', 'AGE']));
      expect(list.slice(1).map(([name]) => name)).toEqual(['one', 'two']);
      expect(list[1]?.at(-1)).toMatch(/^\d+s$/);
      expect(rows(await kubectl.ok('get virtualservice one')).map(([name]) => name)).toEqual(['NAME', 'one']);
      expect(rows(await kubectl.ok('get vs -A')).map((row) => row.slice(0, 2).join(' '))).toEqual([
        ...['NAMESPACE NAME', 'default one', 'default two', 'other three'],
      ]);
      expect(rows(await kubectl.ok('get vs -A --chunk-size 1')).map(([, name]) => name)).toEqual([
        ...['NAME', 'one', 'two', 'three'],
      ]);
      expect(rows(await kubectl.ok('get vs -o wide'))[0]).toEqual(expect.arrayContaining(['REASON', 'PROXIES']));
    });

    it('objects: as YAML, JSON, names, and in another version', async () => {
      expect(await kubectl.ok('get vs one -o yaml')).toMatch(
        /^apiVersion: networking.istio.io\/v1\nkind: VirtualService\n/,
      );
      const { kind, items } = await json('get vs');
      expect({ kind, names: items.map(({ metadata }: { metadata: { name: string } }) => metadata.name) }).toEqual({
        ...{ kind: 'List', names: ['one', 'two'] },
      });
      expect(await kubectl.ok('get vs,dr -o name')).toBe(
        'virtualservice.networking.istio.io/one\nvirtualservice.networking.istio.io/two\ndestinationrule.networking.istio.io/one\n',
      );
      expect((await json('get virtualservices.v1alpha3.networking.istio.io one')).apiVersion).toBe(
        'networking.istio.io/v1alpha3',
      );
      for (const category of ['rules', 'all', 'istio-io']) {
        expect(lines(await kubectl.ok(`get ${category} -o name`))).toEqual(
          expect.arrayContaining(['virtualservice.networking.istio.io/one', 'destinationrule.networking.istio.io/one']),
        );
      }
    });

    for (const { flags, want } of [
      { flags: '-l app=b', want: ['two'] },
      { flags: '-l app!=b,tier', want: ['one'] },
      { flags: '-A --field-selector metadata.name=three', want: ['three'] },
      { flags: '--field-selector metadata.name!=one', want: ['two'] },
      { flags: '-A --chunk-size 1', want: ['one', 'two', 'three'] },
      { flags: '-n other', want: ['three'] },
    ]) {
      it(`like “get vs ${flags}”`, async () => {
        const names = lines(await kubectl.ok(`get vs ${flags} -o name`));
        expect(names).toEqual(want.map((name) => `virtualservice.networking.istio.io/${name}`));
      });
    }

    it('watches while another kubectl changes objects', async () => {
      const watching = kubectl.start('get vs -w -o wide');
      const seen = (count: number) =>
        eventually(() => lines(watching.stdout()).length >= count && lines(watching.stdout()), {
          what: `${count} lines`,
        });
      const [head] = await seen(3);
      expect(head?.split(/\s{2,}/)).toEqual(expect.arrayContaining(['NAME', 'PROGRAMMED', 'REASON']));
      await apply(virtualService('four'));
      expect(
        await eventually(() => lines(watching.stdout()).some((line) => line.startsWith('four')), { what: 'four' }),
      ).toBe(true);
      const before = lines(watching.stdout()).length;
      await kubectl.ok('label vs four seen=yes');
      await seen(before + 1);
      await kubectl.ok('delete vs four');
      await seen(before + 2);
      expect(watching.stderr()).toBe('');
      await watching.kill();
    });
  });

  describe('writes', () => {
    beforeEach(async () => {
      await apply(virtualService('shop'));
    });
    const status = async () => (await json('get vs shop')).spec.http[0].directResponse.status;
    const withStatus = (code: number) => [{ name: 'main', directResponse: { status: code } }];

    it('patches: merge and JSON', async () => {
      const merge = JSON.stringify({ spec: { http: withStatus(418) } });
      expect(await kubectl.ok(['patch', 'vs', 'shop', '--type=merge', '-p', merge])).toBe(
        'virtualservice.networking.istio.io/shop patched\n',
      );
      expect(await status()).toBe(418);
      const operations = [{ op: 'replace', path: '/spec/http/0/directResponse/status', value: 404 }];
      await kubectl.ok(['patch', 'vs', 'shop', '--type=json', '-p', JSON.stringify(operations)]);
      expect(await status()).toBe(404);
    });

    it('edits', async () => {
      const editor = await kubectl.file('editor.sh', 'sed -i "s/status: 200/status: 418/" "$1"\n');
      const env = { KUBE_EDITOR: `sh ${editor}` };
      expect(await kubectl.ok('edit vs shop', { env })).toBe('virtualservice.networking.istio.io/shop edited\n');
      expect(await status()).toBe(418);
    });

    it('replaces, creates, rejects a second creation', async () => {
      expect(await kubectl.ok('replace -f -', { stdin: virtualService('shop', { status: 418 }) })).toContain(
        'replaced',
      );
      expect(await status()).toBe(418);
      expect(await kubectl.ok('create -f -', { stdin: virtualService('new') })).toContain('new created');
      expect(await kubectl.fails('create -f -', { stdin: virtualService('new') })).toContain(
        'Error from server (AlreadyExists)',
      );
    });

    it('labels and annotates', async () => {
      expect(await kubectl.ok('label vs shop team=books')).toContain('labeled');
      expect(await kubectl.ok('annotate vs shop note=hello')).toContain('annotated');
      const { metadata } = await json('get vs shop');
      expect(metadata).toMatchObject({ labels: { team: 'books' }, annotations: { note: 'hello' } });
      await kubectl.ok('label vs shop team-');
      expect((await json('get vs shop')).metadata.labels).not.toHaveProperty('team');
    });

    it('deletes: by name, file, selector, all', async () => {
      const labels = '{ app: gone }';
      await apply([virtualService('a', { labels }), virtualService('b', { labels }), virtualService('c')].join('---'));
      const file = await kubectl.file('shop.yaml', virtualService('shop'));
      expect(await kubectl.ok(`delete -f ${file}`)).toBe(
        'virtualservice.networking.istio.io "shop" deleted from default namespace\n',
      );
      expect(await kubectl.ok('delete vs -l app=gone')).toContain('"a" deleted');
      expect(await kubectl.ok('get vs -o name')).toBe('virtualservice.networking.istio.io/c\n');
      await kubectl.ok('delete vs c');
      await apply(virtualService('d'));
      expect(await kubectl.ok('delete vs --all')).toContain('"d" deleted');
      expect(await kubectl.ok('get vs -o name')).toBe('');
    });

    it('waits for a deletion, and until proxies have a rule', async () => {
      expect(await kubectl.ok('wait --for=condition=Programmed --timeout=15s vs/shop')).toBe(
        'virtualservice.networking.istio.io/shop condition met\n',
      );
      const waiting = kubectl.start('wait --for=delete --timeout=20s vs/shop');
      await kubectl.ok('delete vs shop');
      expect(await waiting.exited).toBe(0);
    });
  });

  describe('reports', () => {
    it('an unknown field with its path', async () => {
      const stdin = virtualService('shop').replace('directResponse', 'directRespond');
      const said = await kubectl.fails('apply -f -', { stdin });
      expect(said).toContain('spec.http[0].directRespond');
      expect(said).toContain('directResponse'); // the suggestion
      expect(await kubectl.ok('get vs -o name')).toBe('');
    });

    it('an unknown field as a warning with --validate=warn', async () => {
      const stdin = `${virtualService('shop')}  wrong: 1\n`;
      const { code, stdout, stderr } = await kubectl.run('apply --validate=warn -f -', { stdin });
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'virtualservice.networking.istio.io/shop created\n' });
      expect(stderr).toMatch(/^Warning: .*spec\.wrong/);
    });

    it('a version that somebody else has replaced', async () => {
      await apply(virtualService('shop'));
      const old = await kubectl.ok('get vs shop -o yaml');
      await kubectl.ok('label vs shop a=b');
      expect(await kubectl.fails('replace -f -', { stdin: old })).toContain('Error from server (Conflict)');
    });

    it('a missing object', async () => {
      expect(await kubectl.fails('get vs nothing')).toContain('Error from server (NotFound)');
      expect(await kubectl.fails('delete vs nothing')).toContain('NotFound');
      expect(await kubectl.fails('get nothings')).toContain('the server doesn\'t have a resource type "nothings"');
      expect(await kubectl.run('get vs')).toEqual({
        ...{ code: 0, stdout: '', stderr: 'No resources found in default namespace.\n' },
      });
    });

    it('unsupported server-side apply', async () => {
      const said = await kubectl.fails('apply --server-side -f -', { stdin: virtualService('shop') });
      expect(said).toContain('server-side apply');
    });
  });

  it('ends watches when the server stops, and loses nothing in a restart', async () => {
    await apply(virtualService('kept'));
    const watching = kubectl.start('get vs -w');
    await eventually(() => watching.stdout().includes('kept'), { what: 'the watch' });
    const { httpPort, xdsPort } = controlPlane;
    await controlPlane.stop();
    expect(await watching.exited).toBe(0);
    controlPlane = await startControlPlane({ httpPort, xdsPort, dataDir });
    expect(await kubectl.ok('get vs -o name')).toBe('virtualservice.networking.istio.io/kept\n');
  });
});
