import { z } from 'zod';
import type { RuleKind } from '../rule.ts';

// The forms of names that Kubernetes has: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
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

const labels = z.record(z.string(), z.string()).superRefine((value, context) => {
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

/** Written by servers and tools into what they give out; taken back without being read. */
const ignored = z.unknown().optional();

/** Null is what Kubernetes' tools write for a field that is not set. */
const unset = <T>(value: T | null | undefined): T | null => value ?? null;

/** Nothing here would act on them, and an object that waits for ever to be deleted helps nobody. */
const noFinalizers = z.array(z.string()).max(0, 'nothing here acts on finalizers: leave them out').nullish();

/** Object metadata as a writer gives it. What is a store's to decide may stand there, as in what was read from it. */
const namespacedMetadata = z.strictObject({
  name,
  namespace: namespaceSchema,
  labels: labels.nullish().transform((value) => value ?? {}),
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

/** A cluster's objects stand in no namespace, whatever the file or the shard says that they came in. */
const clusterMetadata = namespacedMetadata.extend({
  namespace: z
    .unknown()
    .optional()
    .transform(() => ''),
});

/** The schema of the metadata of objects of one scope. */
export const metadataSchemaOf = (scope: RuleKind['scope']) =>
  scope === 'cluster' ? clusterMetadata : namespacedMetadata;

export type WrittenMetadata = z.infer<typeof namespacedMetadata>;

/** What is wrong with a key of a label or an annotation: an optional DNS prefix, a slash, a word. Null if nothing is. */
export function wrongKey(key: string): string | null {
  const slash = key.indexOf('/');
  const [prefix, word] = slash === -1 ? [null, key] : [key.slice(0, slash), key.slice(slash + 1)];
  if (prefix !== null && (prefix.length > 253 || !dnsSubdomain.test(prefix))) return 'its prefix must be a DNS name';
  if (word.length > 63 || !labelWord.test(word)) {
    return 'a key must be letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit';
  }
  return null;
}

/** What is wrong with the value of a label; null if nothing is. */
export function wrongLabelValue(word: string): string | null {
  if (word === '' || (word.length <= 63 && labelWord.test(word))) return null;
  return 'must be letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit';
}
