import { parseOldYaml } from '../../../src/adapter-contract/yaml.ts';
import { type Governed, govern } from '../../../src/dubbo/governance/govern.ts';
import { readRuleText, readRuleUrl } from '../../../src/dubbo/governance/read-rules.ts';
import { parseRuleName } from '../../../src/dubbo/governance/rule-name.ts';
import type { RuleDocument } from '../../../src/dubbo/governance/rules.ts';
import { servicePort } from '../../../src/dubbo/protocols.ts';
import { type Provider, readProvider } from '../../../src/dubbo/provider.ts';
import { parseServiceUrl } from '../../../src/dubbo/url.ts';

/** Host of the service that `providerOf` makes. */
export const greetHost = 'demo._greet.dubbo';

/** Reads a provider of `demo.Greet` of the application `greeter`: `10.0.0.1?dubbo.tag=gray`, or a whole URL. */
export function providerOf(text: string): Provider {
  const [host = '', query = ''] = text.split('?');
  const url = text.includes('://')
    ? text
    : `dubbo://${host.includes(':') ? host : `${host}:20880`}/demo.Greet?interface=demo.Greet&application=greeter&${query}`;
  const parsed = parseServiceUrl(url);
  const provider = parsed.ok ? readProvider(parsed.value) : parsed;
  if (!provider.ok) throw new Error(provider.error);
  return provider.value;
}

/** Reads a document of the configuration centre by its name, or the URL of a node. */
export function documentOf(nameOrUrl: string, text = ''): RuleDocument {
  if (nameOrUrl.includes('://')) return readRuleUrl(nameOrUrl, parseOldYaml);
  const name = parseRuleName(nameOrUrl);
  if (name === null) throw new Error(`${nameOrUrl} is no name of a rule`);
  return readRuleText(name, text, parseOldYaml);
}

/** Rules by their origins: names of documents with their text, or URLs. */
export type GivenRules = Readonly<Record<string, string>>;

export const documentsOf = (rules: GivenRules): ReadonlyMap<string, RuleDocument> =>
  new Map(Object.entries(rules).map(([name, text]) => [name, documentOf(name, text)]));

/** Applies rules to providers of a service with ports of these protocols. */
export const governed = (
  providers: readonly Provider[],
  rules: GivenRules,
  protocols: readonly string[] = ['dubbo'],
): Governed =>
  govern(
    {
      namespace: 'default',
      hostname: greetHost,
      ports: protocols.flatMap((protocol) => servicePort(protocol) ?? []),
      providers,
    },
    documentsOf(rules),
  );
