import { describe, expect, it } from 'vitest';
import { DetailedError } from '../../../src/cli/failure.ts';
import { labelOf, problemLine, readDocuments } from '../../../src/cli/rules/documents.ts';
import { pathSteps } from '../../../src/cli/rules/field-position.ts';

const file = (text: string, name = 'rules.yaml') => [{ name, text }];

/** Returns the printed lines for a text. */
function problemsOf(text: string, name?: string): readonly string[] {
  try {
    readDocuments(file(text, name));
  } catch (error) {
    if (error instanceof DetailedError) return error.details;
    throw error;
  }
  return [];
}

const route = `# routes of reviews
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: first }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  namespace: default
  name: reviews
  labels: { "a.b/c": x }
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: { host: reviews, subset: v1 }
          weight: 90
        - destination:
            host: reviews
          wieght: 10
`;

describe('positions of fields', () => {
  const [, document] = readDocuments(file(route)).documents;
  for (const { path, line } of [
    { path: '', line: 6 },
    { path: 'kind', line: 7 },
    { path: 'metadata.labels["a.b/c"]', line: 11 },
    { path: 'spec.hosts[0]', line: 13 },
    { path: 'spec.http[0].route[0].destination.subset', line: 16 },
    { path: 'spec.http[0].route[1]', line: 18 },
    { path: 'spec.http[0].route[1].wieght', line: 20 },
    { path: 'spec.http[0].route[1].destination.port.number', line: 18 },
    { path: 'spec.http[7].route', line: 14 },
    { path: 'spec.gateways', line: 12 },
    { path: 'nothing.of.this', line: 6 },
  ]) {
    it(`finds "${path}" in line ${line}`, () => {
      expect(document?.lineOf(path)).toBe(line);
    });
  }

  it('names file, document, object, line and field', () => {
    if (document === undefined) throw new Error('there are two documents');
    const problem = { path: 'spec.http[0].route[1].wieght', message: 'unknown field (did you mean "weight"?)' };
    expect(problemLine(document, problem)).toBe(
      'rules.yaml: document 2 (VirtualService default/reviews), line 20: spec.http[0].route[1].wieght: unknown field (did you mean "weight"?)',
    );
  });

  it('follows an alias to where the field is written', () => {
    const text = 'kind: A\nspec:\n  one: &one\n    port: 80\n  two: *one\n';
    expect(readDocuments(file(text)).documents[0]?.lineOf('spec.two.port')).toBe(4);
  });

  it('finds fields in the items of a list', () => {
    const text = 'kind: List\nitems:\n  - kind: A\n    metadata: { name: a }\n  - kind: B\n    spec:\n      x: 1\n';
    const { documents } = readDocuments(file(text));
    expect(documents.map(labelOf)).toEqual([
      'rules.yaml: document 1, item 1 (A a)',
      'rules.yaml: document 1, item 2 (B)',
    ]);
    expect(documents[1]?.lineOf('spec.x')).toBe(7);
    expect(documents[1]?.lineOf('')).toBe(5);
  });

  it('finds fields in JSON', () => {
    const text = '{\n\t"kind": "A",\n\t"metadata": {\n\t\t"name": "a"\n\t}\n}\n';
    const [json] = readDocuments(file(text, 'rule.json')).documents;
    expect(json?.object).toEqual({ kind: 'A', metadata: { name: 'a' } });
    expect(json?.lineOf('metadata.name')).toBe(4);
  });

  for (const { path, steps } of [
    { path: 'spec.http[0].route[12].weight', steps: ['spec', 'http', 0, 'route', 12, 'weight'] },
    { path: 'metadata.labels["a.b/\\"c"].x', steps: ['metadata', 'labels', 'a.b/"c', 'x'] },
    { path: 'spec.match[', steps: ['spec', 'match'] },
    { path: '', steps: [] },
  ]) {
    it(`reads the path "${path}"`, () => {
      expect(pathSteps(path)).toEqual(steps);
    });
  }
});

describe('unreadable documents', () => {
  for (const { name, text, problems } of [
    {
      name: 'a tab in the indentation',
      text: 'kind: A\nmetadata:\n\tname: a\n',
      problems: [/^rules.yaml: document 1, line 3, column 1: Tabs are not allowed as indentation/],
    },
    {
      name: 'a bracket that does not end',
      text: 'kind: A\n---\nkind: B\nspec: [1, 2\n',
      problems: [/^rules.yaml: document 2, line 5, column 1: Flow sequence in block collection must be/],
    },
    {
      name: 'a duplicate key',
      text: 'kind: A\nspec:\n  host: a\n  host: b\n',
      problems: [/^rules.yaml: document 1, line 4, column 3: Map keys must be unique/],
    },
    { name: 'a list', text: '- 1\n', problems: [/^rules.yaml: document 1: must be an object with apiVersion, kind/] },
    { name: 'a text', text: 'hello\n', problems: [/must be an object/] },
    {
      name: 'a list item that is not an object',
      text: 'kind: List\nitems: [3]\n',
      problems: [/^rules.yaml: document 1, item 1: must be an object/],
    },
    {
      name: 'several mistakes, each with its position',
      text: 'a: {\n---\nb: 1\n---\n- 2\n',
      problems: [/document 1, line \d+, column \d+/, /document 3: must be/],
    },
  ]) {
    it(name, () => {
      const found = problemsOf(text);
      expect(found).toHaveLength(problems.length);
      for (const [index, problem] of problems.entries()) expect(found[index]).toMatch(problem);
    });
  }

  it('limit alias expansions', () => {
    const levels = Array.from({ length: 9 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n},`.repeat(9)}]`);
    expect(problemsOf(`l0: &l0 [x]\n${levels.join('\n')}\n`)).toEqual([
      expect.stringMatching(/^rules.yaml: document 1: .*alias/i),
    ]);
  });

  it('list at most a hundred problems and count the rest', () => {
    const found = problemsOf(Array.from({ length: 150 }, () => '- 1').join('\n---\n'));
    expect(found).toHaveLength(101);
    expect(found.at(-1)).toBe('… and 50 more');
  });

  it('escape control characters of a terminal', () => {
    expect(problemsOf('kind: "\\e[31mred"\nspec: [\n')[0]).not.toContain('\u001b');
  });

  it('skip empty documents, but count them', () => {
    const { documents } = readDocuments(file('---\n---\nkind: A\n---\n# nothing\n'));
    expect(documents.map(labelOf)).toEqual(['rules.yaml: document 2 (A)']);
  });

  it('treat a key named __proto__ as data', () => {
    const [document] = readDocuments(file('kind: A\nspec: { __proto__: { x: 1 } }\n')).documents;
    expect(JSON.stringify(document?.object)).toBe('{"kind":"A","spec":{"__proto__":{"x":1}}}');
  });
});

describe('duplicate keys', () => {
  const twice = file('kind: A\nspec:\n  host: a\n  host: b\n');

  it('cause a warning on request', () => {
    const { documents, warnings } = readDocuments(twice, 'warn');
    expect(warnings).toEqual(['rules.yaml: document 1, line 4, column 3: Map keys must be unique']);
    expect(documents[0]?.object).toEqual({ kind: 'A', spec: { host: 'b' } });
  });

  it('are ignored on request', () => {
    expect(readDocuments(twice, 'ignore').warnings).toEqual([]);
  });
});
