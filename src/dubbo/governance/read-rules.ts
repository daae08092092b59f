import { err, type Result } from '../../lib/result.ts';
import { parseServiceUrl, type ServiceUrl } from '../url.ts';
import { conditionOfUrl, readConditionRouter, readConditionText } from './condition-router.ts';
import { readConfigurators } from './configurators.ts';
import { readOverrideUrl } from './override-url.ts';
import { parseIdentityPattern } from './provider-condition.ts';
import type { RuleDocumentName } from './rule-name.ts';
import { emptyDocument, faultyDocument, type RuleDocument } from './rules.ts';
import { readTagRouter } from './tag-router.ts';

/** Parses YAML; the error says what is wrong. */
export type ParseYaml = (text: string) => Result<unknown, string>;

/** Reads a document of the configuration centre. */
export function readRuleText(name: RuleDocumentName, text: string, parseYaml: ParseYaml): RuleDocument {
  if (name.kind !== 'configurators' && name.kind !== 'condition-router' && name.kind !== 'tag-router')
    return faultyDocument(`rules of the kind ${name.kind} are not supported`);
  if (text.trim() === '') return emptyDocument;
  const value = parseYaml(text);
  if (!value.ok) return faultyDocument(`it is no YAML: ${value.error}`);
  switch (name.kind) {
    case 'configurators':
      return isTexts(value.value) ? readUrls(value.value, parseYaml) : readConfigurators(value.value, name.key);
    case 'condition-router':
      return readConditionRouter(value.value, name.key);
    case 'tag-router':
      return readTagRouter(value.value, name.key);
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

function readUrls(urls: readonly string[], parseYaml: ParseYaml): RuleDocument {
  const documents = urls.map((url) => readRuleUrl(url, parseYaml));
  return {
    overrides: documents.flatMap(({ overrides }) => overrides),
    tags: documents.flatMap(({ tags }) => tags),
    conditions: documents.flatMap(({ conditions }) => conditions),
    faults: documents.flatMap(({ faults }, index) => faults.map((fault) => `[${index}]: ${fault}`)),
  };
}

/** Reads a node below `configurators` or `routers`. */
export function readRuleUrl(text: string, parseYaml: ParseYaml): RuleDocument {
  const url = parseServiceUrl(text);
  if (!url.ok) return faultyDocument(url.error);
  switch (url.value.protocol) {
    case 'empty':
      return emptyDocument;
    case 'override':
    case 'absent': {
      const rule = readOverrideUrl(url.value);
      if (!rule.ok) return faultyDocument(rule.error);
      return rule.value === null ? emptyDocument : { ...emptyDocument, overrides: [rule.value] };
    }
    case 'condition':
    case 'route':
    case 'tag':
      return readRouterUrl(url.value, parseYaml);
    default:
      return faultyDocument(`rules of the kind ${url.value.protocol} are not supported`);
  }
}

function readRouterUrl(url: ServiceUrl, parseYaml: ParseYaml): RuleDocument {
  const of = (key: string) => url.parameters.get(key) ?? '';
  if (of('enabled') === 'false') return emptyDocument;
  const kind = url.protocol === 'route' ? of('router') || 'condition' : url.protocol;
  if (kind === 'tag') {
    const value = parseYaml(of('rule'));
    return value.ok ? readTagRouter(value.value, of('application') || of('key')) : faultyDocument(value.error);
  }
  if (kind !== 'condition') return faultyDocument(`rules of the kind ${kind} are not supported`);
  const rule = of('rule') === '' ? err('it has no rule') : readConditionText(of('rule'), of('force') === 'true');
  if (!rule.ok) return faultyDocument(rule.error);
  const services =
    url.path === '*'
      ? parseIdentityPattern('*')
      : { interface: of('interface') || url.path, group: of('group'), version: of('version') };
  const application = of('application');
  const scope = { services, application: null };
  const one = application === '' || application === '*' ? rule.value : withCaller(rule.value, application);
  return { ...emptyDocument, conditions: [conditionOfUrl(scope, one, Number(of('priority')) || 0)] };
}

const withCaller = (one: Parameters<typeof conditionOfUrl>[1], value: string) => ({
  ...one,
  when: one.when.map((match) => [
    ...match,
    { on: 'caller', key: 'application', pattern: { type: 'exact', value }, isNegated: false } as const,
  ]),
});
