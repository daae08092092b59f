import { identityKey, type ServiceIdentity } from '../identity.ts';

/** Kinds of documents in Dubbo's configuration centre, by the ends of their names. */
const suffixes = {
  '.configurators': 'configurators',
  '.condition-router': 'condition-router',
  '.tag-router': 'tag-router',
  '.script-router': 'script-router',
  '.affinity-router': 'affinity-router',
  '.MESHAPPRULE': 'mesh-router',
  '.mesh-router': 'mesh-router',
} as const;

type Suffix = keyof typeof suffixes;

/** Name of a document of rules. */
export interface RuleDocumentName {
  readonly kind: (typeof suffixes)[Suffix];
  /** Application, or service. */
  readonly key: string;
}

/** Reads the name of a document: `greeter.tag-router`. Null for a name that is not one of a rule. */
export function parseRuleName(name: string): RuleDocumentName | null {
  for (const suffix of Object.keys(suffixes) as Suffix[])
    if (name.endsWith(suffix) && name.length > suffix.length)
      return { kind: suffixes[suffix], key: name.slice(0, -suffix.length) };
  return null;
}

/** Reads the key of a service in a name, of which `interface:version:group` and `group*interface:version` are forms. */
export function parseServiceKey(key: string): ServiceIdentity {
  const [, older, rest = ''] = /^(?:([^*:]+)\*)?(.*)$/s.exec(key) ?? [];
  const [name = '', version = '', ...group] = rest.split(':');
  return { interface: name, version, group: older ?? group.join(':') };
}

/** Reports whether the key in a document is that of its name. */
export function isSameKey(given: string, name: string): boolean {
  if (given === name) return true;
  return (
    identityKey(parseServiceKey(name)) === given ||
    identityKey(parseServiceKey(given)) === identityKey(parseServiceKey(name))
  );
}
/** Returns the names under which Dubbo looks for rules of a service. */
export function namesOfService({ interface: name, version, group }: ServiceIdentity): readonly string[] {
  const keys = new Set([`${name}:${version}:${group}`]);
  if (version === '' && group === '') keys.add(name);
  return [...keys].flatMap((key) => ['.configurators', '.condition-router'].map((suffix) => `${key}${suffix}`));
}

/** Returns the names under which Dubbo looks for rules of an application. */
export const namesOfApplication = (application: string): readonly string[] =>
  ['.configurators', '.condition-router', '.tag-router', '.script-router', '.MESHAPPRULE'].map(
    (suffix) => `${application}${suffix}`,
  );
