/** Fields that action CUSTOM cannot match: a proxy asks the provider before it knows identities and tokens. */
const unknownFields = [
  'principals',
  'notPrincipals',
  'requestPrincipals',
  'notRequestPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'trustDomains',
  'notTrustDomains',
] as const;

const unknownKeys = ['source.namespace', 'source.serviceAccount', 'source.trustDomain', 'source.principal'];

interface MatchedRule {
  readonly from?: readonly { readonly source?: Readonly<Record<string, unknown>> | undefined }[] | undefined;
  readonly when?: readonly { readonly key: string }[] | undefined;
}

/** Finds the parts of the rules that are forbidden with action CUSTOM, with their paths in the spec. */
export function customActionProblems(
  rules: readonly MatchedRule[],
): readonly (readonly [path: readonly (string | number)[], message: string])[] {
  const message = 'cannot be used with action CUSTOM';
  return rules.flatMap(({ from = [], when = [] }, index) => [
    ...from.flatMap(({ source = {} }, at) =>
      unknownFields
        .filter((field) => source[field] !== undefined)
        .map((field) => [['rules', index, 'from', at, 'source', field], message] as const),
    ),
    ...[...when.entries()]
      .filter(([, { key }]) => unknownKeys.includes(key) || key.startsWith('request.auth.'))
      .map(([at, { key }]) => [['rules', index, 'when', at, 'key'], `${key} ${message}`] as const),
  ]);
}
