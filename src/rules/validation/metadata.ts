import { z } from 'zod';
import type { RuleKind } from '../rule.ts';

// Kubernetes' forms of names: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelWord = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const maxAnnotationsBytes = 256 * 1024;

const name = z
  .string()
  .max(253, 'must be at most 253 characters')
  .regex(dnsSubdomain, 'must be lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit');

/** A namespace of Kubernetes: a DNS label. */
export const namespaceSchema = z
  .string()
  .max(63, 'must be at most 63 characters')
  .regex(dnsLabel, 'must be lower-case letters, digits and "-", beginning and ending with a letter or digit');

const objectLabels = z.record(z.string(), z.string()).superRefine((value, context) => {
  for (const [key, word] of Object.entries(value)) {
    const wrong = wrongKey(key) ?? wrongLabelValue(word);
    if (wrong !== null) context.addIssue({ code: 'custom', path: [key], message: wrong });
  }
});

const annotations = z.record(z.string(), z.string()).superRefine((value, context) => {
  let bytes = 0;
  for (const [key, text] of Object.entries(value)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
    const wrong = wrongKey(key);
    if (wrong !== null) context.addIssue({ code: 'custom', path: [key], message: wrong });
  }
  if (bytes > maxAnnotationsBytes) {
    context.addIssue({ code: 'custom', message: `must be at most ${maxAnnotationsBytes} bytes together` });
  }
});

/** Fields that servers and tools add on reads. Writes may return them; they are ignored. */
const ignored = z.unknown().optional();

/** Maps an absent field to null, as Kubernetes' tools write it. */
const unset = <T>(value: T | null | undefined): T | null => value ?? null;

/** Finalizers are rejected: no part of this program acts on them, so deleting the object would wait for ever. */
const noFinalizers = z.array(z.string()).max(0, 'nothing here acts on finalizers: leave them out').nullish();

/** Object metadata from a writer. It may contain fields that the store assigns, as in an object that was read. */
const namespacedMetadata = z.strictObject({
  name,
  namespace: namespaceSchema,
  labels: objectLabels.nullish().transform((value) => value ?? {}),
  annotations: annotations.nullish().transform((value) => value ?? {}),
  resourceVersion: z
    .string()
    .nullish()
    .transform((version) => (version === '' ? null : unset(version))),
  creationTimestamp: z
    .string()
    .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a time such as 2026-01-31T12:00:00Z')
    .nullish()
    .transform(unset),
  uid: z.string().nullish().transform(unset),
  generation: ignored,
  generateName: ignored,
  deletionTimestamp: ignored,
  deletionGracePeriodSeconds: ignored,
  finalizers: noFinalizers,
  managedFields: ignored,
  ownerReferences: ignored,
  selfLink: ignored,
});

/** Metadata of cluster-scoped objects. Their namespace is empty, whatever the file or the shard says. */
const clusterMetadata = namespacedMetadata.extend({
  namespace: z
    .unknown()
    .optional()
    .transform(() => ''),
});

/** Returns the schema of the metadata of objects of one scope. */
export const metadataSchemaOf = (scope: RuleKind['scope']) =>
  scope === 'cluster' ? clusterMetadata : namespacedMetadata;

export type WrittenMetadata = z.infer<typeof namespacedMetadata>;

/**
 * Says why the key of a label or an annotation is invalid, or returns null. Valid is an optional DNS prefix, a slash, a
 * word.
 */
export function wrongKey(key: string): string | null {
  const slash = key.indexOf('/');
  const [prefix, word] = slash === -1 ? [null, key] : [key.slice(0, slash), key.slice(slash + 1)];
  if (prefix !== null && (prefix.length > 253 || !dnsSubdomain.test(prefix))) return 'its prefix must be a DNS name';
  if (word.length > 63 || !labelWord.test(word)) {
    return 'a key must be letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit';
  }
  return null;
}

/** Says why the value of a label is invalid, or returns null. */
export function wrongLabelValue(word: string): string | null {
  if (word === '' || (word.length <= 63 && labelWord.test(word))) return null;
  return 'must be letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit';
}
