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
    description: 'What every object has: its names, labels, and what the store notes about it.',
    type: 'object',
    properties: {
      name: text('The name of the object, one of its kind in its namespace. It cannot be changed.'),
      generateName: text('For an object without a name: what its name begins with. The server adds five characters.'),
      namespace: text('The namespace of the object; empty for kinds of the whole cluster.'),
      labels: texts('Names and values that objects are selected by.'),
      annotations: texts('Names and values for people and tools; they have no effect on traffic.'),
      resourceVersion: text(
        'The version of the object; another one after every write. Sent with a write, it must still be the current one.',
      ),
      generation: count('Counts the changes of spec, from 1.'),
      creationTimestamp: time('When the object was created. Of rules that contradict each other, the oldest counts.'),
      uid: text('Another one for every object there ever was.'),
    },
  },
  [`${meta}.ListMeta`]: {
    description: 'What every list has.',
    type: 'object',
    properties: {
      resourceVersion: text('The version of the whole store when the list was made; a watch may go on from it.'),
      continue: text('To be sent for the next page of the list; empty on the last one.'),
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
      message: text('What is wrong and what to do.'),
      reason: text('Why it failed, in one word.'),
      code: { type: 'integer', format: 'int32', description: 'The HTTP status.' },
      details: {
        type: 'object',
        description: 'Which object it is about.',
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
                message: text('What is wrong with it.'),
                reason: text('The sort of mistake.'),
              },
            },
            'What is wrong, field by field.',
          ),
        },
      },
    },
  },
  [`${meta}.DeleteOptions`]: {
    description: 'How to delete.',
    type: 'object',
    properties: {
      apiVersion: text('v1'),
      kind: text('DeleteOptions'),
      preconditions: {
        type: 'object',
        description: 'What must still hold of the object.',
        properties: { resourceVersion: text('Its version.'), uid: text('Its uid.') },
      },
      propagationPolicy: text('Accepted and without effect: no object depends on another.'),
      gracePeriodSeconds: count('Accepted and without effect: an object is gone at once.'),
      dryRun: list({ type: 'string' }, 'All: nothing is deleted, and the answer is what it would have been.'),
    },
  },
  [`${meta}.Patch`]: { description: 'A merge patch (RFC 7396) or a JSON patch (RFC 6902).', type: 'object' },
};

/** Schema of a rule's status, which is computed and ignored in writes. */
export const ruleStatusSchema: Schema = {
  description: 'What became of the object. The server computes it; it is ignored in what is written.',
  type: 'object',
  properties: {
    observedGeneration: count('The generation of the object that this is about.'),
    conditions: list(
      {
        type: 'object',
        required: ['type', 'status'],
        properties: {
          type: text('Accepted: the object is valid. Programmed: every proxy that it concerns has acknowledged it.'),
          status: { type: 'string', enum: ['True', 'False'], description: 'Whether it is so.' },
          reason: text('Why, in one word.'),
          message: text('Why, and what to do.'),
          observedGeneration: count('The generation that it was said of.'),
          lastTransitionTime: time('Since when status is what it is.'),
        },
      },
      'What is so, and what is not.',
    ),
    proxies: {
      type: 'object',
      description: 'How many connected proxies the object concerns, and what they said.',
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
          message: text('What the proxy said.'),
        },
      },
      'What proxies said against it: ten of them at most.',
    ),
  },
};

export const namespaceStatusSchema: Schema = {
  description: 'What the server says of the namespace.',
  type: 'object',
  properties: { phase: text('Always Active: a namespace is there, or it is gone.') },
};
