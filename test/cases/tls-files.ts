/** Names of secrets for files, as the cases have them. */
const certificateName = (chain: unknown, key: unknown): string => `file-cert:${chain}~${key}`;
const authoritiesName = (file: unknown): string => `file-root:${file === systemAuthorities ? 'system' : file}`;

/** File of the system's authorities, which the cases call `system`. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Returns a cluster in which files of TLS contexts are secrets with the names that the cases have: clusters name the
 * files directly, and the same material is meant.
 */
export function withSecretsForFiles(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSecretsForFiles);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, withSecretsForFiles(one)] as const);
  return Object.fromEntries(
    entries.map(([key, one]) => (key === 'commonTlsContext' ? [key, asSecrets(one)] : [key, one])),
  );
}

function asSecrets(context: unknown): unknown {
  const { tlsCertificates, validationContext, ...rest } = fieldsOf(context);
  const certificates = Array.isArray(tlsCertificates) ? tlsCertificates : [];
  const { trustedCa, matchTypedSubjectAltNames: names = [], ...others } = fieldsOf(validationContext);
  return {
    ...rest,
    ...(certificates.length === 0 ? {} : { tlsCertificateSdsSecretConfigs: certificates.map(certificateSecret) }),
    ...(trustedCa === undefined
      ? {}
      : {
          combinedValidationContext: {
            defaultValidationContext: { ...others, matchSubjectAltNames: matchersOf(names) },
            validationContextSdsSecretConfig: { name: authoritiesName(fieldsOf(trustedCa).filename) },
          },
        }),
  };
}

function certificateSecret(certificate: unknown) {
  const { certificateChain, privateKey } = fieldsOf(certificate);
  return { name: certificateName(fieldsOf(certificateChain).filename, fieldsOf(privateKey).filename) };
}

const matchersOf = (names: unknown): readonly unknown[] =>
  Array.isArray(names) ? names.map((name) => fieldsOf(name).matcher) : [];

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
