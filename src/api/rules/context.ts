import type { FastifyRequest } from 'fastify';
import type { RuleKind } from '../../rules/rule.ts';
import type { ObjectKey, RuleStore } from '../../rules/store/store.ts';
import type { Presentation } from './answers/list-answer.ts';
import type { NamespacedStore } from './objects/namespaces.ts';
import type { Place } from './objects/read-object.ts';
import type { RulesApiOptions } from './options.ts';
import type { Pages } from './pages.ts';
import type { Subject } from './refusals.ts';
import type { Watches } from './watch/watch.ts';

/** What all handlers of the rules API share. */
export interface ApiContext extends Omit<RulesApiOptions, 'store'> {
  /** Shows adapters' objects, too, which cannot be written. */
  readonly store: NamespacedStore;
  /** What was written, alone. */
  readonly own: RuleStore;
  readonly pages: Pages;
  readonly watches: Watches;
}

/** What the handlers of one kind in one version share. */
export interface KindContext extends ApiContext {
  readonly kind: RuleKind;
  readonly apiVersion: string;
  readonly as: Presentation;
}

interface Params {
  readonly namespace?: string;
  readonly name?: string;
}

const paramsOf = (request: FastifyRequest): Params => request.params as Params; // of the URLs in routes.ts

/** The namespace of the URL; null for one that is about all namespaces, and empty for a cluster's objects. */
export function namespaceOf(request: FastifyRequest, kind: RuleKind): string | null {
  return kind.scope === 'cluster' ? '' : (paramsOf(request).namespace ?? null);
}

export function placeOf(request: FastifyRequest, { kind, apiVersion }: KindContext): Place {
  return { kind, apiVersion, namespace: namespaceOf(request, kind) ?? '', name: paramsOf(request).name ?? null };
}

export function subjectOf(request: FastifyRequest, context: KindContext): Subject & { readonly key: ObjectKey } {
  const { kind, namespace, name } = placeOf(request, context);
  return { kind, key: { kind: kind.kind, namespace, name: name ?? '' } };
}
