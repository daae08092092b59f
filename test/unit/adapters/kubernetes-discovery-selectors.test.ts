import { expect, it } from 'vitest';
import { discoverySelector, selectsNamespace } from '../../../adapters/kubernetes/discovery-selectors.ts';

const labels = { mesh: 'on', team: 'shop' };

for (const { name, selectors, want } of [
  { name: 'no selector', selectors: [], want: true },
  { name: 'an empty selector', selectors: [{}], want: true },
  { name: 'a label', selectors: [{ matchLabels: { mesh: 'on' } }], want: true },
  { name: 'another value of a label', selectors: [{ matchLabels: { mesh: 'off' } }], want: false },
  { name: 'a label that every object has', selectors: [{ matchLabels: { constructor: 'on' } }], want: false },
  { name: 'two labels, of which one differs', selectors: [{ matchLabels: { mesh: 'on', team: 'bank' } }], want: false },
  {
    name: 'a second selector',
    selectors: [{ matchLabels: { mesh: 'off' } }, { matchLabels: { team: 'shop' } }],
    want: true,
  },
  { name: 'In', selectors: [expression('team', 'In', ['bank', 'shop'])], want: true },
  { name: 'In without the label', selectors: [expression('tier', 'In', ['front'])], want: false },
  { name: 'NotIn', selectors: [expression('team', 'NotIn', ['shop'])], want: false },
  { name: 'NotIn without the label', selectors: [expression('tier', 'NotIn', ['front'])], want: true },
  { name: 'Exists', selectors: [expression('mesh', 'Exists')], want: true },
  { name: 'DoesNotExist', selectors: [expression('mesh', 'DoesNotExist')], want: false },
  {
    name: 'labels and an expression that does not hold',
    selectors: [{ matchLabels: { mesh: 'on' }, ...expression('team', 'DoesNotExist') }],
    want: false,
  },
]) {
  it(`${name} ${want ? 'selects' : 'does not select'} the namespace`, () => {
    const read = selectors.map((selector) => discoverySelector.parse(selector));
    expect(selectsNamespace(read, labels)).toBe(want);
  });
}

for (const { name, of } of [
  { name: 'In without values', of: expression('team', 'In') },
  { name: 'Exists with values', of: expression('team', 'Exists', ['shop']) },
  { name: 'an unknown operator', of: expression('team', 'Gt', ['1']) },
]) {
  it(`refuses ${name}`, () => {
    expect(discoverySelector.safeParse(of).success).toBe(false);
  });
}

function expression(key: string, operator: string, values?: readonly string[]) {
  return { matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }] };
}
