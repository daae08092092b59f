import { DetailedError } from '../failure.ts';
import { isMap } from './answer.ts';
import { groupOf } from './batch.ts';
import { problemCount, problemLine, type SourceDocument, some } from './documents.ts';
import type { ServedKind } from './kinds.ts';

export interface NamespaceOptions {
  readonly kinds: readonly ServedKind[];
  readonly namespace: string;
  /** True if the user gave the namespace; documents of other namespaces are rejected then. */
  readonly isAsked: boolean;
}

/** Sets the namespace of documents without one, if their kind is namespaced. */
export function withNamespaces(documents: readonly SourceDocument[], options: NamespaceOptions): SourceDocument[] {
  const problems: string[] = [];
  const placed = documents.map((document) => {
    const { metadata } = document.object;
    const own = isMap(metadata) ? metadata.namespace : undefined;
    if (!isMap(metadata) || kindOf(document, options.kinds)?.namespaced !== true) return document;
    if (own === undefined || own === null || own === '') {
      return { ...document, object: { ...document.object, metadata: { ...metadata, namespace: options.namespace } } };
    }
    if (options.isAsked && own !== options.namespace) {
      const message = `is "${own}", but --namespace is "${options.namespace}"`;
      problems.push(problemLine(document, { path: 'metadata.namespace', message }));
    }
    return document;
  });
  if (problems.length === 0) return placed;
  throw new DetailedError('DOCUMENT_INVALID', `${problemCount(problems.length)}; nothing was sent`, some(problems));
}

/** Returns the kind of a document; null if the server does not offer it. */
export function kindOf({ object }: SourceDocument, kinds: readonly ServedKind[]): ServedKind | null {
  const group = typeof object.apiVersion === 'string' ? groupOf(object.apiVersion) : null;
  return kinds.find((one) => one.kind === object.kind && one.group === group) ?? null;
}
