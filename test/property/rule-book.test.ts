import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawObject } from '../../src/model/object.ts';
import { ruleBook } from '../../src/rules/book/rule-book.ts';
import { defaultMeshConfig } from '../../src/rules/mesh-config.ts';
import { type Rule, type RuleId, ruleId } from '../../src/rules/rule.ts';
import { sampleKind } from '../support/sample-kind.ts';

const sources = ['one', 'two', 'three'];
const newBook = () => ruleBook({ kinds: [sampleKind], mesh: defaultMeshConfig });

const object = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c'),
    host: fc.constantFrom('x', 'y'),
    day: fc.integer({ min: 1, max: 3 }),
  })
  .map(
    ({ name, host, day }): RawObject => ({
      apiVersion: 'sample.binnacle.io/v1',
      kind: 'SampleRoute',
      metadata: { name, namespace: 'n', labels: {}, annotations: {}, creationTimestamp: `2026-01-0${day}T00:00:00Z` },
      spec: { hosts: [host] },
      origin: `${name}.yaml#${day}`,
    }),
  );

const step = fc.oneof(
  fc.record({ source: fc.constantFrom(...sources), put: object }),
  fc.record({ source: fc.constantFrom(...sources), removed: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ source: fc.constantFrom(...sources), list: fc.array(object, { maxLength: 3 }) }),
);

const byId = (rules: Iterable<Rule>) =>
  [...rules]
    .map((rule) => [ruleId(rule), rule.origin, rule.spec])
    .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));

describe('the rule book', () => {
  it('equals a listing of the final state, and its events contain every step', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const book = newBook();
        const told = new Map<RuleId, Rule>();
        book.subscribe((changes) => {
          for (const change of changes) {
            if (change.type === 'rule') told.set(ruleId(change.rule), change.rule);
            if (change.type === 'rule-removed') told.delete(change.id);
          }
        });
        const world = new Map(sources.map((source) => [source, new Map<string, RawObject>()]));
        for (const one of steps) {
          const shard = world.get(one.source);
          if ('put' in one) {
            book.apply(one.source, [{ type: 'object', object: one.put }]);
            shard?.set(one.put.metadata.name, one.put);
          } else if ('removed' in one) {
            book.apply(one.source, [
              { type: 'object-removed', kind: 'SampleRoute', namespace: 'n', name: one.removed },
            ]);
            shard?.delete(one.removed);
          } else {
            book.replace(one.source, one.list);
            shard?.clear();
            for (const raw of one.list.toReversed()) shard?.set(raw.metadata.name, raw);
          }
        }
        const rebuilt = newBook();
        for (const [source, objects] of world) rebuilt.replace(source, [...objects.values()]);
        expect(byId(book.rules())).toEqual(byId(rebuilt.rules()));
        expect(byId(told.values())).toEqual(byId(book.rules()));
      }),
    );
  });
});
