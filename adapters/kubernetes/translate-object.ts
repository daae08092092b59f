import { z } from 'zod';
import { fieldPath } from '../../src/lib/field-path.ts';
import { err, ok, type Result } from '../../src/lib/result.ts';
import type { RawObject } from '../../src/model/object.ts';

/** Default creation time. It is constant, so that a restart does not reorder rules. */
export const unknownCreationTime = '1970-01-01T00:00:00Z';

const nullableText = z.record(z.string(), z.string()).nullish();

const objectSchema = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({
    name: z.string().min(1),
    namespace: z.string().nullish(),
    labels: nullableText,
    annotations: nullableText,
    creationTimestamp: z.iso.datetime({ offset: true }).nullish(),
  }),
});

/** Object with Kubernetes' metadata; `body` is the complete object as received. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: RawObject['metadata'];
  readonly body: Readonly<Record<string, unknown>>;
  /** Source of the object, for people. */
  readonly origin: string;
}

/** Reads the fields that every object has; the error names the field. The default namespace is `default`. */
export function readKubernetesObject(value: unknown, origin: string): Result<KubernetesObject, string> {
  const parsed = objectSchema.safeParse(value);
  if (!parsed.success) return err(describeIssues(parsed.error));
  const { apiVersion, kind, metadata } = parsed.data;
  return ok({
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace || 'default',
      labels: metadata.labels ?? {},
      annotations: metadata.annotations ?? {},
      creationTimestamp: metadata.creationTimestamp ?? unknownCreationTime,
    },
    body: parsed.data,
    origin,
  });
}

/** Builds a key: `kind/namespace/name`. */
export const objectKey = ({ kind, metadata }: Pick<KubernetesObject, 'kind' | 'metadata'>): string =>
  `${kind}/${metadata.namespace}/${metadata.name}`;

/** Formats issues: `spec.ports[0].port: expected number`, separated by semicolons. */
export const describeIssues = (error: z.ZodError): string =>
  error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${fieldPath('', path)}: ${message}`))
    .join('; ');
