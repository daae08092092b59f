import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { createKubectl, type Kubectl } from '../support/kubectl.ts';

const ruleInBooks = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: in-books, namespace: books }
spec: { hosts: [in-books.test], http: [{ directResponse: { status: 200 } }] }
`;

let controlPlane: ControlPlane;
let kubectl: Kubectl;

const lines = (text: string): string[] => text.trimEnd().split('\n');
/** Splits each line of a table into its cells. */
const rows = (text: string): string[][] => lines(text).map((line) => line.split(/\s{2,}/));
const json = async (command: string) => JSON.parse(await kubectl.ok(`${command} -o json`));
const apply = (stdin: string) => kubectl.ok('apply -f -', { stdin });

describeWith(['kubectl'], 'a stock kubectl, without Kubernetes', () => {
  beforeAll(async () => {
    controlPlane = await startControlPlane();
    kubectl = await createKubectl(controlPlane.httpPort);
  });
  afterAll(async () => {
    await controlPlane?.stop();
    await kubectl?.delete();
  });

  it('namespaces: creates, labels, lists, deletes', async () => {
    expect(await kubectl.ok('create namespace books')).toBe('namespace/books created\n');
    await kubectl.ok('label namespace books istio-injection=enabled');
    expect((await json('get ns books')).metadata.labels).toMatchObject({ 'istio-injection': 'enabled' });
    const table = rows(await kubectl.ok('get ns'));
    expect(table[0]).toEqual(['NAME', 'STATUS', 'AGE']);
    expect(table.map(([name, phase]) => `${name} ${phase}`)).toEqual(
      expect.arrayContaining(['books Active', 'default Active']),
    );
    await apply(ruleInBooks);
    expect(await kubectl.fails('delete ns books')).toContain('Error from server (Conflict)');
    await kubectl.ok('delete vs -n books --all');
    expect(await kubectl.ok('delete ns books')).toContain('namespace "books" deleted');
    expect(await kubectl.ok('get ns -o name')).not.toContain('books');
    expect(await apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: applied, labels: { a: b } }\n')).toBe(
      'namespace/applied created\n',
    );
    expect(await apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: applied, labels: { a: c } }\n')).toBe(
      'namespace/applied configured\n',
    );
    await kubectl.ok('delete ns applied');
  });

  it('describes the API: resources, versions, fields, its version', async () => {
    const resources = rows(await kubectl.ok('api-resources'));
    const row = (name: string) => resources.find(([first]) => first === name)?.join(' ');
    expect(row('virtualservices')).toBe('virtualservices vs networking.istio.io/v1 true VirtualService');
    expect(row('namespaces')).toBe('namespaces ns v1 false Namespace');
    expect(row('meshconfigs')).toBe('meshconfigs mesh.binnacle.dev/v1 false MeshConfig');
    expect(lines(await kubectl.ok('api-versions'))).toEqual(
      expect.arrayContaining(['networking.istio.io/v1', 'networking.istio.io/v1alpha3', 'security.istio.io/v1', 'v1']),
    );
    const explained = await kubectl.ok('explain vs.spec.http');
    expect(explained).toContain('KIND:       VirtualService');
    expect(explained).toMatch(/\n {2}retries\t<Object>\n {4}\S/);
    expect(await kubectl.ok('explain dr --recursive')).toMatch(
      /\n {6}consecutive5xxErrors|outlierDetection\t<Object>\n/,
    );
    expect(await kubectl.ok('explain vs.status.conditions')).toContain('observedGeneration');
    expect(await kubectl.ok('explain vs --api-version=networking.istio.io/v1beta1')).toContain('VERSION:    v1beta1');
    expect(await kubectl.fails('explain vs.spec.nonsense')).toContain('field "nonsense" does not exist');
    expect(await kubectl.ok('version')).toMatch(/Server Version: v1\.\d+\.\d+\+binnacle-/);
  });
});
