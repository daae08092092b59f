import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCallable } from '../../src/model/endpoint.ts';
import type { StringMatch } from '../../src/rules/fields.ts';
import { destinationRuleSpec } from '../../src/rules/kinds/destination-rule/schema.ts';
import { type VirtualServiceSpec, virtualServiceSpec } from '../../src/rules/kinds/virtual-service/schema.ts';
import { governed, providerOf } from '../support/dubbo/governed.ts';
import { runs } from '../support/property-runs.ts';

/** Instance of the application `greeter`; an empty parameter is absent. */
interface Instance {
  readonly host: string;
  readonly region: string;
  readonly tag: string;
  readonly isDisabled: boolean;
}

interface Call {
  readonly method: string;
  readonly attachments: Readonly<Record<string, string>>;
  /** Labels of the caller. */
  readonly labels: Readonly<Record<string, string>>;
}

interface Condition {
  readonly when: Readonly<Record<string, { readonly values: readonly string[]; readonly isNegated: boolean }>>;
  readonly to: {
    readonly key: 'region' | 'host';
    readonly values: readonly string[];
    readonly isNegated: boolean;
  } | null;
}

interface Rules {
  readonly isForced: boolean;
  readonly conditions: readonly Condition[];
  readonly tags: { readonly isForced: boolean; readonly byName: Readonly<Record<string, readonly string[]>> } | null;
}

const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
const regions = ['east', 'west', ''];
const tags = ['gray', 'blue', ''];
const methods = ['hello', 'help', 'bye'];

const arbitraryInstances: fc.Arbitrary<readonly Instance[]> = fc.uniqueArray(
  fc.record({
    host: fc.constantFrom(...hosts),
    region: fc.constantFrom(...regions),
    tag: fc.constantFrom('', ...tags),
    isDisabled: fc.boolean(),
  }),
  { selector: ({ host }) => host, maxLength: 4, minLength: 1 },
);
const optional = (name: string, values: readonly string[]) =>
  fc.constantFrom(undefined, ...values).map((value) => (value ? { [name]: value } : {}));
const arbitraryCall: fc.Arbitrary<Call> = fc
  .tuple(
    fc.constantFrom(...methods),
    optional('foo', ['a', 'ab', 'b']),
    optional('dubbo.tag', ['gray', 'blue', 'red']),
    optional('dubbo.tag', ['gray', 'blue', 'red']),
    optional('application', ['shop', 'bank']),
  )
  .map(([method, foo, tag, ownTag, application]) => ({
    method,
    attachments: { ...foo, ...tag },
    labels: { ...ownTag, ...application },
  }));
const values = (from: readonly string[], isNegatable = true) =>
  fc.record({
    values: fc.subarray([...from], { minLength: 1 }),
    isNegated: isNegatable ? fc.boolean() : fc.constant(false),
  });
const arbitraryWhen: fc.Arbitrary<Condition['when']> = fc.record(
  {
    method: values(['hello', 'he*', 'bye', 'h*o']),
    'attachments[foo]': values(['a', 'a*', 'b']),
    application: values(['shop', 'bank'], false),
  },
  { requiredKeys: [] },
);
const arbitraryTo: fc.Arbitrary<Condition['to']> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ key: fc.constant('region' as const), ...recordOf(['east', 'we*']) }) },
  {
    weight: 4,
    arbitrary: fc.record({ key: fc.constant('host' as const), ...recordOf(['10.0.0.1', '10.0.0.*', '*.2']) }),
  },
  { weight: 1, arbitrary: fc.constant(null) },
);
function recordOf(from: readonly string[]) {
  return { values: fc.subarray([...from], { minLength: 1 }), isNegated: fc.boolean() };
}
const arbitraryRules: fc.Arbitrary<Rules> = fc.record({
  isForced: fc.boolean(),
  conditions: fc.array(fc.record({ when: arbitraryWhen, to: arbitraryTo }), { maxLength: 3 }),
  tags: fc.option(
    fc.record({
      isForced: fc.boolean(),
      byName: fc.dictionary(fc.constantFrom('gray', 'blue'), fc.subarray(hosts, { minLength: 1 }), { maxKeys: 2 }),
    }),
  ),
});

/** Dubbo's own decision: its routers filter the instances, one after the other. */
function decide(call: Call, rules: Rules, all: readonly Instance[]): readonly Instance[] {
  let left = byTag(
    call,
    rules,
    all.filter(({ isDisabled }) => !isDisabled),
  );
  for (const { when, to } of rules.conditions) {
    if (left.length === 0 || !Object.entries(when).every(([key, one]) => meets(valueOf(call, key), one))) continue;
    const kept = to === null ? [] : left.filter((instance) => meets(instance[to.key] || undefined, to));
    if (kept.length > 0 || rules.isForced || to === null) left = kept;
  }
  return left;
}

function byTag({ attachments, labels }: Call, { tags: rule }: Rules, all: readonly Instance[]): readonly Instance[] {
  const tag = attachments['dubbo.tag'] ?? labels['dubbo.tag'];
  const dynamic = Object.values(rule?.byName ?? {}).flat();
  const untagged = all.filter(
    ({ host, tag: own }) => !dynamic.includes(host) && (own === '' || (rule !== null && !(own in rule.byName))),
  );
  if (tag === undefined) return untagged;
  const addresses = rule?.byName[tag];
  const tagged = all.filter(({ host, tag: own }) => (addresses === undefined ? own === tag : addresses.includes(host)));
  return tagged.length > 0 || (addresses !== undefined && rule?.isForced) ? tagged : untagged;
}

const valueOf = ({ method, attachments, labels }: Call, key: string): string | undefined =>
  key === 'method' ? method : key === 'application' ? labels.application : attachments.foo;

function meets(
  value: string | undefined,
  { values: given, isNegated }: { values: readonly string[]; isNegated: boolean },
) {
  if (value === undefined) return false;
  return (
    given.some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replace('*', '.*')}$`).test(value)) !==
    isNegated
  );
}

/** Rules in the form in which Dubbo reads them. */
function written({ isForced, conditions, tags: rule }: Rules): Record<string, string> {
  const side = (key: string, one: { values: readonly string[]; isNegated: boolean }) =>
    `${key}${one.isNegated ? '!=' : '='}${one.values.join(',')}`;
  const texts = conditions.map(({ when, to }) => {
    const left = Object.entries(when).map(([key, one]) => side(key, one));
    return `${left.join(' & ')} => ${to === null ? '' : side(to.key, to)}`;
  });
  return {
    'demo.Greet::.condition-router': JSON.stringify({ scope: 'service', force: isForced, conditions: texts }),
    ...(rule === null
      ? {}
      : {
          'greeter.tag-router': JSON.stringify({
            force: rule.isForced,
            tags: Object.entries(rule.byName).map(([name, addresses]) => ({ name, addresses })),
          }),
        }),
  };
}

const textMeets = (match: StringMatch, value: string | undefined): boolean => {
  if (value === undefined) return false;
  if (match.exact !== undefined) return value === match.exact;
  if (match.prefix !== undefined) return value.startsWith(match.prefix);
  return match.regex === undefined || new RegExp(`^(?:${match.regex})$`).test(value);
};

type HttpMatches = NonNullable<NonNullable<VirtualServiceSpec['http']>[number]['match']>;

/** Whether a request meets a match, of calls whose method is the path or the header `method`. */
function requestMeets({ method, attachments, labels }: Call, match: HttpMatches[number], isTriple: boolean): boolean {
  const headers: Record<string, string> = isTriple
    ? { ...attachments, ':path': `/demo.Greet/${method}` }
    : { ...attachments, method };
  return (
    (match.uri === undefined || textMeets(match.uri, headers[':path'])) &&
    Object.entries(match.headers ?? {}).every(([name, text]) => textMeets(text, headers[name])) &&
    !Object.entries(match.withoutHeaders ?? {}).some(([name, text]) => textMeets(text, headers[name])) &&
    Object.entries(match.sourceLabels ?? {}).every(([key, value]) => labels[key] === value)
  );
}

test('routes send each call to the instances that Dubbo would choose', () => {
  fc.assert(
    fc.property(
      arbitraryInstances,
      arbitraryRules,
      fc.array(arbitraryCall, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      (instances, rules, calls, isTriple) => {
        const providers = instances.map(({ host, region, tag, isDisabled }) =>
          providerOf(`${host}?${region && `region=${region}`}&${tag && `dubbo.tag=${tag}`}&disabled=${isDisabled}`),
        );
        const { endpoints, objects, faults } = governed(providers, written(rules), ['tri']);
        fc.pre(!faults.some(({ message }) => /more than 128|two patterns/.test(message)));
        const specOf = (kind: string) => objects.find((object) => object.kind === kind)?.spec;
        const rule = specOf('VirtualService') === undefined ? null : virtualServiceSpec.parse(specOf('VirtualService'));
        const subsets = destinationRuleSpec.parse(specOf('DestinationRule') ?? { host: 'x' }).subsets ?? [];
        for (const call of calls) {
          const route = rule?.http?.find(
            ({ match }) => match === undefined || match.some((one) => requestMeets(call, one, isTriple)),
          );
          const subset = route?.route?.[0]?.destination.subset;
          const labels = subsets.find(({ name }) => name === subset)?.labels ?? {};
          const reached = endpoints
            .filter(
              (endpoint) =>
                isCallable(endpoint) && Object.entries(labels).every(([key, value]) => endpoint.labels[key] === value),
            )
            .map(({ address }) => address);
          expect(reached.sort(), JSON.stringify({ call, route })).toEqual(
            decide(call, rules, instances)
              .map(({ host }) => host)
              .sort(),
          );
        }
      },
    ),
    { numRuns: runs(200) },
  );
});
