import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDirty, hostOfDep } from '../../src/compile/world/dirty.ts';
import { createWorld } from '../../src/compile/world/world.ts';
import { trackedReader, untrackedReader, type WorldReader } from '../../src/compile/world/world-reader.ts';
import { hostname, isWildcard, serviceKey } from '../../src/model/names.ts';
import { destinationRule } from '../../src/rules/kinds/destination-rule/index.ts';
import { ruleKinds } from '../../src/rules/kinds/index.ts';
import { virtualService } from '../../src/rules/kinds/virtual-service/index.ts';
import { defaultMeshConfig } from '../../src/rules/mesh-config.ts';
import { runs } from '../support/property-runs.ts';
import { arbitraryChange, namespaces, ruleHosts } from './compile-arbitraries.ts';

/** A question, and whether it is about rules for hosts that this wildcard covers. */
interface Question {
  readonly text: string;
  readonly pattern: string | null;
  ask(reader: WorldReader): unknown;
}

const questions: readonly Question[] = ruleHosts.flatMap((host) => {
  const about = (text: string, ask: Question['ask']): Question => ({ text: `${text} of ${host}`, pattern: null, ask });
  const rules = (kind: typeof virtualService | typeof destinationRule): Question => ({
    text: `${kind.kind} at ${host}`,
    pattern: host,
    ask: (reader) => reader.rulesAt<string, unknown>(kind, host).map(({ metadata, spec }) => [metadata, spec]),
  });
  const keys = namespaces.map((namespace) => serviceKey(namespace, hostname(host)));
  return [
    about('services', (reader) => reader.servicesOf(host)),
    about('other names', (reader) => [...reader.aliasesOf(host)].map((alias) => JSON.stringify(alias)).sort()),
    ...(isWildcard(host)
      ? [about('services below', (reader) => [...reader.servicesBelow(host)].map((it) => JSON.stringify(it)).sort())]
      : []),
    ...keys.map((key) => about(`service ${key}`, (reader) => reader.service(key))),
    ...keys.map((key) => about(`endpoints ${key}`, (reader) => reader.endpoints(key))),
    ...keys.map((key) => about(`all endpoints ${key}`, (reader) => reader.allEndpoints(key))),
    rules(virtualService),
    rules(destinationRule),
  ];
});

test('a host is dirty whenever one of its reads of the world has another result', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryChange, { maxLength: 12 }),
      fc.array(arbitraryChange, { minLength: 1, maxLength: 2 }),
      fc.constantFrom(...ruleHosts),
      (changes, later, host) => {
        const world = createWorld({ mesh: defaultMeshConfig, domainSuffix: 'cluster.local', kinds: ruleKinds });
        for (const change of changes) world.apply(change, createDirty());
        const isKnown = new Set(world.hosts()).has(host);
        const asked = questions.map((question) => {
          const reader = trackedReader(world, host);
          return { question, answer: JSON.stringify(question.ask(reader)), dependencies: reader.dependencies() };
        });
        const dirty = createDirty();
        for (const change of later) world.apply(change, dirty);
        const isOwn = [...dirty.keys].some((key) => hostOfDep(key) === host);
        for (const { question, answer, dependencies } of asked) {
          if (JSON.stringify(question.ask(untrackedReader(world))) === answer) continue;
          // A host that neither a service nor a rule has asks for rules of its own name only.
          if (!isKnown && question.pattern !== null && question.pattern !== host) continue;
          const isMarked = isOwn || [...dependencies].some((key) => dirty.keys.has(key));
          expect(isMarked, `${host} asked for the ${question.text}`).toBe(true);
        }
      },
    ),
    { numRuns: runs(300) },
  );
});
