import type { Schema } from './openapi-schema.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const metaRef = (name: string): Schema => ref(`${meta}.${name}`);

const text = (description: string): Schema => ({ type: 'string', description });
const time = (description: string): Schema => ({ type: 'string', format: 'date-time', description });
const count = (description: string): Schema => ({ type: 'integer', format: 'int64', description });
const texts = (description: string): Schema => ({
  type: 'object',
  additionalProperties: { type: 'string' },
  description,
});
const list = (items: Schema, description: string): Schema => ({ type: 'array', items, description });

/** Schemas shared by objects of all kinds, by component name. */
export const commonSchemas: Readonly<Record<string, Schema>> = {
  [`${meta}.ObjectMeta`]: {
    description: 'Metadata of every object: names, labels, and fields that the store sets.',
    type: 'object',
    properties: {
      name: text('The name of the object, one of its kind in its namespace. It cannot be changed.'),
      generateName: text(
        'Prefix of a generated name, for an object without a name. The server appends five characters.',
      ),
      namespace: text('The namespace of the object; empty for cluster-scoped kinds.'),
      labels: texts('Names and values that objects are selected by.'),
      annotations: texts('Names and values for people and tools; they have no effect on traffic.'),
      resourceVersion: text(
        'The version of the object; another one after every write. Sent with a write, it must still be the current one.',
      ),
      generation: count('Counts the changes of spec, from 1.'),
      creationTimestamp: time('When the object was created. Of rules that contradict each other, the oldest counts.'),
      uid: text('Unique among all objects, including deleted ones.'),
    },
  },
  [`${meta}.ListMeta`]: {
    description: 'Metadata of every list.',
    type: 'object',
    properties: {
      resourceVersion: text('The version of the store when the list was made; a watch may start from it.'),
      continue: text('Token for the next page of the list; empty on the last one.'),
      remainingItemCount: count('How many objects are on the pages that follow.'),
    },
  },
  [`${meta}.Status`]: {
    description: 'The answer to a deletion, and every error.',
    type: 'object',
    properties: {
      apiVersion: text('v1'),
      kind: text('Status'),
      metadata: metaRef('ListMeta'),
      status: text('Success or Failure.'),
      message: text('The mistake and its remedy.'),
      reason: text('Reason of the failure, in one word.'),
      code: { type: 'integer', format: 'int32', description: 'The HTTP status.' },
      details: {
        type: 'object',
        description: 'The object of the request.',
        properties: {
          name: text('Its name.'),
          group: text('The group of its kind.'),
          kind: text('Its kind, as in URLs.'),
          uid: text('Its uid.'),
          causes: list(
            {
              type: 'object',
              properties: {
                field: text('The path to the field: spec.http[0].route[1].weight.'),
                message: text('The mistake.'),
                reason: text('The type of the mistake.'),
              },
            },
            'What is wrong, field by field.',
          ),
        },
      },
    },
  },
  [`${meta}.DeleteOptions`]: {
    description: 'Options of a deletion.',
    type: 'object',
    properties: {
      apiVersion: text('v1'),
      kind: text('DeleteOptions'),
      preconditions: {
        type: 'object',
        description: 'Conditions that the object must meet.',
        properties: { resourceVersion: text('Its version.'), uid: text('Its uid.') },
      },
      propagationPolicy: text('Accepted without effect: no object depends on another.'),
      gracePeriodSeconds: count('Accepted and without effect: an object is gone at once.'),
      dryRun: list({ type: 'string' }, 'All: nothing is deleted, and the answer is what it would have been.'),
    },
  },
  [`${meta}.Patch`]: { description: 'A merge patch (RFC 7396) or a JSON patch (RFC 6902).', type: 'object' },
};

/** Schema of a rule's status, which is computed and ignored in writes. */
export const ruleStatusSchema: Schema = {
  description: 'State of the object. The server computes it and ignores it in writes.',
  type: 'object',
  properties: {
    observedGeneration: count('The generation of the object that this is about.'),
    conditions: list(
      {
        type: 'object',
        required: ['type', 'status'],
        properties: {
          type: text('Accepted: the object is valid. Programmed: every proxy that needs it has acknowledged it.'),
          status: { type: 'string', enum: ['True', 'False'], description: 'True if the condition is met.' },
          reason: text('Reason, in one word.'),
          message: text('Reason and remedy.'),
          observedGeneration: count('The generation to which the condition refers.'),
          lastTransitionTime: time('Since when status is what it is.'),
        },
      },
      'What is so, and what is not.',
    ),
    proxies: {
      type: 'object',
      description: 'Connected proxies that need the object, by their answer.',
      properties: {
        concerned: count('Those that are served something that the object contributes to.'),
        acknowledged: count('Those of them that have acknowledged all of it.'),
        pending: count('Those that have not answered yet.'),
        rejected: count('Those that have rejected some of it.'),
      },
    },
    rejections: list(
      {
        type: 'object',
        properties: {
          proxy: text('The id of the proxy.'),
          type: text('The type of the rejected resources.'),
          resources: list({ type: 'string' }, 'Their names.'),
          message: text('The message of the proxy.'),
        },
      },
      'Rejections by proxies, ten at most.',
    ),
  },
};

export const namespaceStatusSchema: Schema = {
  description: 'State of the namespace.',
  type: 'object',
  properties: { phase: text('Always Active: deletion is immediate.') },
};
