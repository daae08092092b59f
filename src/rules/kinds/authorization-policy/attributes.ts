import { didYouMean } from '../../../lib/nearest.ts';
import { wrongIpBlock, wrongPort, wrongServiceAccount, wrongWildcard } from './values.ts';

type Check = (value: string) => string | null;

const any: Check = () => null;

/** Attributes that a condition may test, with the check for their values. */
const attributes: Readonly<Record<string, Check>> = {
  'source.ip': wrongIpBlock,
  'remote.ip': wrongIpBlock,
  'source.namespace': any,
  'source.serviceAccount': wrongServiceAccount,
  'source.principal': any,
  'source.trustDomain': wrongWildcard,
  'request.auth.principal': any,
  'request.auth.audiences': any,
  'request.auth.presenter': any,
  'destination.ip': wrongIpBlock,
  'destination.port': wrongPort,
  'connection.sni': any,
};

/** Attributes that require a name in brackets. */
const named = ['request.headers', 'request.auth.claims', 'experimental.envoy.filters.'];

/** Attributes of earlier versions, with their replacements. */
const replaced: Readonly<Record<string, string>> = {
  'destination.namespace': 'the namespace of the policy',
  'destination.labels': 'selector',
  'destination.name': 'selector or targetRefs',
  'destination.user': 'selector',
};

/** Returns the mistake in a condition's key, and the check for the condition's values. */
export function wrongAttribute(key: string): { readonly key: string | null; readonly value: Check } {
  const check = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  if (check !== undefined) return { key: null, value: check };
  return { key: wrongAttributeName(key), value: any };
}

function wrongAttributeName(key: string): string | null {
  const prefix = named.find((name) => key.startsWith(name));
  if (prefix !== undefined) return /^[^[]+\[.+\]$/s.test(key) ? null : `must name one in brackets: ${prefix}[name]`;
  const old = Object.keys(replaced).find((name) => key.startsWith(name));
  if (old !== undefined) return `${old} is no attribute of this version; use ${replaced[old]}`;
  const known = [...Object.keys(attributes), 'request.headers[name]', 'request.auth.claims[name]'];
  return `must be an attribute such as ${known.slice(0, 3).join(', ')} or request.headers[name]${didYouMean(key, known)}`;
}
