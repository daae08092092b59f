import type { Api } from './api.ts';
import { namespaces, pathOf, randomRule, type SoakRule, serviceAt } from './mesh.ts';
import type { Random } from './random.ts';

/** Sends one request of the rules API that changes something, or is refused. */
export async function changeRules(api: Api, services: number, random: Random): Promise<void> {
  const rule = randomRule(random, services);
  const kind = random.below(100);
  if (kind < 30) await api.ask('POST', '/rules/v1/batch', batchOf(random, services));
  else if (kind < 40) await api.ask('POST', '/rules/v1/batch?dryRun=All', batchOf(random, services));
  else if (kind < 60) await createOrReplace(api, rule);
  else if (kind < 72) await api.ask('DELETE', pathOf(rule));
  else if (kind < 84) await api.ask('POST', `${pathOf(rule)}/rollback`, {});
  else if (kind < 88) await api.ask('GET', `${pathOf(rule)}/history`);
  else if (kind < 92) await api.ask('GET', `${collectionOf(rule)}?limit=5`);
  else if (kind < 96) await api.ask('POST', collectionOf(rule), { ...rule, spec: { nonsense: true } });
  else await api.ask('POST', '/rules/v1/batch?action=delete', { ...batchOf(random, services) });
}

function batchOf(random: Random, services: number): object {
  return listOf(distinct(Array.from({ length: 1 + random.below(15) }, () => randomRule(random, services))));
}

/** Removes duplicate names: a batch with them is refused. */
const distinct = (rules: readonly SoakRule[]) => [...new Map(rules.map((rule) => [pathOf(rule), rule])).values()];

async function createOrReplace(api: Api, rule: SoakRule): Promise<void> {
  const { status, body } = await api.ask('GET', pathOf(rule));
  if (status !== 200) await api.ask('POST', collectionOf(rule), rule);
  else await api.ask('PUT', pathOf(rule), { ...JSON.parse(body), spec: rule.spec });
}

const collectionOf = (rule: SoakRule): string => pathOf(rule).slice(0, pathOf(rule).lastIndexOf('/'));

const listOf = (items: readonly object[]) => ({ apiVersion: 'v1', kind: 'List', items });

/** Makes ten thousand changes like those of the soak, so that the log of changes has its final size from the start. */
export async function fillLogOfChanges(api: Api, services: number, random: Random): Promise<void> {
  for (let changes = 0; changes < 10_000; ) {
    const rules = distinct(Array.from({ length: 200 }, () => randomRule(random, services)));
    await api.must('POST', '/rules/v1/batch', listOf(rules));
    changes += rules.length;
  }
}

/** Reads all objects of the API with their metadata. */
export async function readRules(api: Api): Promise<readonly object[]> {
  const { body } = await api.ask('GET', '/rules/v1/export');
  return JSON.parse(body).items;
}

export async function writeRulesAgain(api: Api, rules: readonly object[]): Promise<void> {
  if (rules.length > 0) await api.must('POST', '/rules/v1/import', listOf(rules));
}

/** Deletes all objects of the API. */
export async function clearRules(api: Api): Promise<void> {
  const rules = await readRules(api);
  if (rules.length > 0) await api.must('POST', '/rules/v1/batch?action=delete', listOf(rules));
}

/** Paths that can be watched. */
export const watchPaths: readonly string[] = [
  '/apis/networking.istio.io/v1/virtualservices?watch=true',
  '/apis/networking.istio.io/v1/serviceentries?watch=true&allowWatchBookmarks=true',
  ...namespaces.map((namespace) => `/apis/networking.istio.io/v1/namespaces/${namespace}/destinationrules?watch=true`),
  ...namespaces.map((namespace) => `/registry/v1/namespaces/${namespace}/services?watch=true`),
  `/registry/v1/namespaces/${serviceAt(0).namespace}/services/${serviceAt(0).host}/instances?watch=true`,
];
