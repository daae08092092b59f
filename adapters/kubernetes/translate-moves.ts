import type { SliceBody, SliceEndpoint } from './schema.ts';
import type { Read } from './translate.ts';
import { healthOf } from './translate-endpoints.ts';

/**
 * Endpoints that left a slice and are in no other one yet. Kubernetes moves endpoints between the slices of a Service by
 * several writes in any order: an endpoint whose Pod is ready and selected by the Service is on its way, not gone.
 */
export interface Moves {
  /** Notes the endpoints of `before` that `after` lacks. */
  left(service: string, before: Read<SliceBody>, after: Read<SliceBody> | null): void;
  /**
   * Returns the endpoints that are on the way, in the form of slices. An endpoint that arrived in one of `slices`, whose
   * time is over, or that `isExpected` denies is forgotten.
   */
  of(
    service: string,
    slices: readonly Read<SliceBody>[],
    isExpected: (endpoint: SliceEndpoint, namespace: string) => boolean,
  ): readonly Read<SliceBody>[];
  forget(service: string): void;
  /** Returns the services for which `of` must be called, because the time of an endpoint is over. */
  due(): readonly string[];
  /** Returns when `due` has services, in milliseconds; null if never. */
  nextMs(): number | null;
  /** Number of endpoints. */
  readonly size: number;
}

interface Moving {
  readonly slice: Read<SliceBody>;
  readonly untilMs: number;
}

/** `holdMs` is the longest time that an endpoint may be in no slice. */
export function createMoves(now: () => number, holdMs: number): Moves {
  /** By service and address. */
  const moving = new Map<string, Map<string, Moving>>();

  return {
    left(service, before, after) {
      const kept = new Set(addressesOf(after === null ? [] : [after]));
      const gone = (before.body.endpoints ?? []).filter(
        (endpoint) => isCalledPod(endpoint) && !kept.has(addressOf(endpoint)),
      );
      if (gone.length === 0) return;
      const own = moving.get(service) ?? new Map<string, Moving>();
      const untilMs = now() + holdMs;
      for (const endpoint of gone) {
        const slice = { ...before, body: { ...before.body, endpoints: [endpoint] } };
        own.set(addressOf(endpoint), { slice, untilMs });
      }
      moving.set(service, own);
    },
    of(service, slices, isExpected) {
      const own = moving.get(service);
      if (own === undefined) return [];
      const arrived = new Set(addressesOf(slices));
      const isOver = ({ slice, untilMs }: Moving, address: string): boolean =>
        untilMs <= now() ||
        arrived.has(address) ||
        !(slice.body.endpoints ?? []).every((endpoint) => isExpected(endpoint, slice.metadata.namespace));
      for (const [address, one] of own) if (isOver(one, address)) own.delete(address);
      if (own.size === 0) moving.delete(service);
      return [...own.values()].map(({ slice }) => slice);
    },
    forget: (service) => void moving.delete(service),
    due: () =>
      [...moving].filter(([, own]) => [...own.values()].some(({ untilMs }) => untilMs <= now())).map(([key]) => key),
    nextMs() {
      let next: number | null = null;
      for (const own of moving.values()) {
        for (const { untilMs } of own.values()) next = Math.min(next ?? untilMs, untilMs);
      }
      return next;
    },
    get size() {
      return [...moving.values()].reduce((sum, own) => sum + own.size, 0);
    },
  };
}

const addressOf = ({ addresses: [address = ''] }: SliceEndpoint): string => address;

const addressesOf = (slices: readonly Read<SliceBody>[]): readonly string[] =>
  slices.flatMap(({ body }) => (body.endpoints ?? []).map(addressOf));

const isCalledPod = (endpoint: SliceEndpoint): boolean =>
  endpoint.targetRef?.kind === 'Pod' && healthOf(endpoint) === 'healthy';
