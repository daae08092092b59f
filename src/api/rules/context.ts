import type { FastifyRequest } from 'fastify';
import type { RuleKind } from '../../rules/rule.ts';
import type { ObjectKey, RuleStore } from '../../rules/store.ts';
import type { Presentation } from './answers/list-answer.ts';
import type { NamespacedStore } from './objects/namespaces.ts';
import type { UrlNames } from './objects/read-object.ts';
import type { RulesApiOptions } from './options.ts';
import type { Pages } from './pages.ts';
import type { Subject } from './refusals.ts';
import type { ObjectWatches } from './watch/watch.ts';

/** Context shared by all handlers of the rules API. */
export interface ApiContext extends Omit<RulesApiOptions, 'store'> {
  /** Store that also shows objects of adapters, which are read-only. */
  readonly store: NamespacedStore;
  /** Store of written objects only. */
  readonly own: RuleStore;
  readonly pages: Pages;
  readonly watches: ObjectWatches;
}

/** Context shared by the handlers of one kind in one version. */
export interface KindContext extends ApiContext {
  readonly kind: RuleKind;
  readonly apiVersion: string;
  readonly as: Presentation;
}

interface Params {
  readonly namespace?: string;
  readonly name?: string;
}

const paramsOf = (request: FastifyRequest): Params => request.params as Params; // parameters of routes.ts

/** Returns the namespace of the URL: null if it covers all namespaces, empty for cluster-scoped objects. */
export function namespaceOf(request: FastifyRequest, kind: RuleKind): string | null {
  return kind.scope === 'cluster' ? '' : (paramsOf(request).namespace ?? null);
}

export function urlNames(request: FastifyRequest, { kind, apiVersion }: KindContext): UrlNames {
  return { kind, apiVersion, namespace: namespaceOf(request, kind) ?? '', name: paramsOf(request).name ?? null };
}

export function subjectOf(request: FastifyRequest, context: KindContext): Subject & { readonly key: ObjectKey } {
  const { kind, namespace, name } = urlNames(request, context);
  return { kind, key: { kind: kind.kind, namespace, name: name ?? '' } };
}
