import type { ObjectDraft } from '../../src/rules/store.ts';

export interface DraftOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly spec?: unknown;
  readonly labels?: Record<string, string>;
}

export const draft = ({ name = 'reviews', namespace = 'default', spec = {}, labels = {} }: DraftOptions = {}) =>
  ({
    kind: 'VirtualService',
    apiVersion: 'networking.istio.io/v1',
    metadata: { name, namespace, labels, annotations: {} },
    spec,
  }) satisfies ObjectDraft;

export const keyOfDraft = ({ name = 'reviews', namespace = 'default' }: DraftOptions = {}) => ({
  kind: 'VirtualService',
  namespace,
  name,
});
