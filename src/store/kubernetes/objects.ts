import { z } from 'zod';
import type { ApiObject } from '../../kubernetes/object.ts';
import type { ObjectDraft, StoredObject } from '../../rules/store.ts';
import type { StoredKind } from './kinds.ts';

const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

const metadataSchema = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  labels: texts,
  annotations: texts,
  creationTimestamp: z.iso.datetime().nullish(),
  generation: z.int().default(1),
  resourceVersion: z.string().default(''),
  uid: z.string().default(''),
});

const unknownTime = '1970-01-01T00:00:00.000Z';

/**
 * Reads an object of the cluster without what the API server alone needs: status, owners, finalizers, managers. Times get
 * milliseconds, so that they compare with those of other sources as texts.
 */
export function storedObjectOf(object: ApiObject, { kind, apiVersion, isReadOnly }: StoredKind): StoredObject {
  const { creationTimestamp, ...metadata } = metadataSchema.parse(object.metadata);
  const time = creationTimestamp == null ? unknownTime : new Date(creationTimestamp).toISOString();
  return {
    kind,
    apiVersion,
    metadata: { ...metadata, creationTimestamp: time },
    spec: isReadOnly ? {} : (object.spec ?? {}),
  };
}

/** Builds the body of a creation. */
export function newObject({ metadata, spec }: ObjectDraft, { kind, apiVersion, isNamespaced }: StoredKind): object {
  const { name, namespace, labels, annotations } = metadata;
  const place = isNamespaced ? { name, namespace } : { name };
  return { apiVersion, kind, metadata: { ...place, labels, annotations }, spec };
}

/** Builds the body of a replacement. It keeps what a draft does not have: status, owners, finalizers. */
export function replacement(current: ApiObject, { metadata, spec }: ObjectDraft, kind: StoredKind): object {
  const { labels, annotations } = metadata;
  return {
    ...current,
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: { ...current.metadata, labels, annotations },
    spec,
  };
}
