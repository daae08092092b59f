import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCompiler } from '../../../src/compile/compiler.ts';
import type { WorldChange } from '../../../src/compile/contract.ts';
import { resourceToJson } from '../../../src/proto/json.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { ruleId } from '../../../src/rules/rule.ts';
import { validateRule } from '../../../src/rules/validation/validate.ts';
import { rawObject } from '../../support/model.ts';
import { proxy, service } from '../../support/world.ts';

const architecture = await readFile(join(import.meta.dirname, '../../../docs/architecture.md'), 'utf8');
const example = architecture.slice(architecture.indexOf('## Worked example'));

test('the worked example of docs/architecture.md shows the values at each arrow', () => {
  const spec = { hosts: ['reviews'], http: [{ timeout: '2s', route: [{ destination: { host: 'reviews' } }] }] };
  const valid = validateRule(rawObject('VirtualService', 'reviews', spec), ruleKinds);
  if (!valid.ok) throw new Error(JSON.stringify(valid.error));
  const rule = valid.value;
  expect(example).toContain(ruleId(rule));

  const compiler = createCompiler();
  const dirty: string[] = [];
  compiler.onDirty(({ keys }) => dirty.push(...keys));
  const flush = (...changes: WorldChange[]) => {
    compiler.apply(changes);
    const steps = compiler.flush();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  };
  flush({ type: 'service', service: service('reviews') });
  const [scope = ''] = compiler.layersOf(proxy());
  const beginning = 'outbound:{"role":"sidecar","client":"envoy",';
  expect([scope.slice(0, beginning.length), example.includes(beginning)]).toEqual([beginning, true]);
  flush();
  dirty.length = 0;
  const { changes } = flush({ type: 'rule', rule });
  expect(dirty).toEqual(['rule/VirtualService/default/reviews', 'VirtualService@reviews.default.svc.cluster.local']);
  for (const key of dirty) expect(example).toContain(key);

  expect(changes.map(({ type, changed }) => [type, changed.map(({ name }) => name)])).toEqual([['route', ['80']]]);
  const [configuration] = changes.flatMap(({ changed }) => changed);
  if (configuration === undefined) throw new Error('a route configuration has changed');
  const { virtualHosts } = resourceToJson('route', configuration) as {
    virtualHosts: { name: string; routes: object[] }[];
  };
  const own = virtualHosts.find(({ name }) => name.startsWith('reviews.'));
  expect(own?.name).toBe('reviews.default.svc.cluster.local:80');
  expect(example).toContain(String(own?.name));
  expect(JSON.stringify(own?.routes)).toContain('"timeout":"2s"');
});
