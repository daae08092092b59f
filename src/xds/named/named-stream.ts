import type { NamedType } from '../../proto/resource.ts';
import type { StreamContext, StreamState, View } from '../stream/stream.ts';
import type { Holder, Interest } from '../tables/interest.ts';
import type { Sender } from '../tables/sender.ts';
import type { Revision } from '../tables/table.ts';
import type { DeltaRequest, SotwRequest } from '../wire/request.ts';
import type { Mode, Outgoing } from '../wire/response.ts';
import { answerHost, answersNamed, encodeAnswers, type HostAnswer, splitHostName } from './answers.ts';

/** Meaning of a request for a named type, for the log. */
export interface NamedOutcome {
  /** Error text of the last response, if it was rejected. */
  readonly rejected: string | null;
  /** Requested names that stay unanswered. */
  readonly unanswered: readonly string[];
}

export interface NamedResponse extends Outgoing {
  readonly type: NamedType;
  readonly nonce: string;
}

/** One named type on one stream. */
export interface NamedState {
  readonly type: NamedType;
  /** Requested names, oldest first, with the answer sent last; null: none. */
  readonly names: Map<string, SentAnswer | null>;
  /** The resources that the client has. */
  readonly has: Set<string>;
  /** The nonce of the response that is not answered yet. */
  inFlight: string | null;
  nack: string | null;
  /** Time of the last NACK; 0: never. */
  nackedAtMs: number;
  /** True if the first request had no names: Envoy waits for an answer before it uses routes with hosts on demand. */
  mustAnswer: boolean;
}

type SentAnswer = Pick<HostAnswer, 'resource' | 'version'>;

/** Limit of followed names. A client on demand requests every host that its callers name; the oldest names are dropped. */
const mostNames = 10_000;

/**
 * Subscriptions of a stream to types without tables. A name is answered on request, and again when the answer changes.
 * Separate from the state machine of the other types: these have few names, no order, and share nothing.
 */
export class NamedStream implements Holder {
  readonly mode: Mode;
  /** Unused: its names are few. */
  marks = 0;
  readonly sender: Sender | null;
  readonly states = new Map<NamedType, NamedState>();
  readonly #context: StreamContext;
  #view: View | null;
  /** The route configurations in which virtual hosts are looked up. */
  #routes: Interest | null = null;
  /** Revision through which the answers about virtual hosts are valid. */
  #seen: Revision = 0;

  constructor({ mode, view, sender }: StreamState, context: StreamContext) {
    this.mode = mode;
    this.sender = sender;
    this.#view = view;
    this.#context = context;
  }

  receive(type: NamedType, request: SotwRequest | DeltaRequest): NamedOutcome {
    const isFirst = !this.states.has(type);
    const state = this.#state(type);
    const isAnswer = request.nonce !== '' && request.nonce === state.inFlight;
    if (isAnswer) {
      state.inFlight = null;
      state.nack = request.error;
      if (request.error !== null) state.nackedAtMs = this.#context.now();
    }
    const { subscribe, unsubscribe } = this.#changes(state, request);
    for (const name of unsubscribe) state.names.delete(name);
    const added = subscribe.filter((name) => !state.names.has(name));
    for (const name of subscribe) {
      state.names.delete(name); // a repeated name is answered again: the client may have dropped it
      state.names.set(name, null);
    }
    forgetOldest(state);
    state.mustAnswer ||= isFirst && subscribe.length === 0;
    if (type === 'virtual-host' && subscribe.length + unsubscribe.length > 0) this.#followRoutes();
    const rejected = isAnswer ? request.error : null;
    return { rejected, unanswered: answersNamed(this.mode) ? [] : added };
  }

  /** Applies the first view, or another one. */
  setView(view: View): void {
    this.#view = view;
    if (this.states.has('virtual-host')) this.#followRoutes();
  }

  /** Returns the next response, which counts as sent, or null. */
  next(): NamedResponse | null {
    if (this.#view === null) return null;
    const state = this.states.get('virtual-host');
    const isReady = state !== undefined && state.inFlight === null && answersNamed(this.mode);
    return isReady ? this.#respond(state) : null;
  }

  close(): void {
    if (this.#routes !== null) this.#context.interests.release(this.#routes, this);
    this.#routes = null;
    this.states.clear();
  }

  /** Finds added and dropped names: a delta request lists them, a state-of-the-world request lists all names. */
  #changes(
    state: NamedState,
    request: SotwRequest | DeltaRequest,
  ): { subscribe: readonly string[]; unsubscribe: readonly string[] } {
    const { names } = this.#context;
    if ('subscribe' in request) {
      if (answersNamed(this.mode)) {
        for (const name of request.initialVersions.keys()) if (state.has.size < mostNames) state.has.add(name);
      }
      const subscribe = names.fromField(request.subscribe);
      return { subscribe: subscribe.names, unsubscribe: request.unsubscribe.filter((name) => !subscribe.has(name)) };
    }
    const listed = names.fromField(request.names);
    return {
      subscribe: listed.names.filter((name) => !state.names.has(name)),
      unsubscribe: [...state.names.keys()].filter((name) => !listed.has(name)),
    };
  }

  #state(type: NamedType): NamedState {
    const state = this.states.get(type) ?? {
      type,
      names: new Map(),
      has: new Set(),
      inFlight: null,
      nack: null,
      nackedAtMs: 0,
      mustAnswer: false,
    };
    this.states.set(type, state);
    return state;
  }

  #respond(state: NamedState): NamedResponse | null {
    const mayHaveChanged = (this.#routes?.lastRevision ?? 0) > this.#seen;
    if (mayHaveChanged) this.#seen = this.#context.revision;
    const answers = new Map<string, HostAnswer>();
    for (const [name, last] of state.names) {
      if (last !== null && !mayHaveChanged) continue;
      const answer = answerHost(name, this.#routes);
      if (last?.resource === answer.resource && last.version === answer.version) continue;
      answers.set(name, answer);
    }
    if (answers.size === 0 && !state.mustAnswer) return null;
    for (const [name, { resource, version }] of answers) state.names.set(name, { resource, version });
    const gone = dropUnnamed(state, answers).concat(state.mustAnswer ? this.#routeNames() : []);
    state.mustAnswer = false;
    const { identifier, nextId, revision } = this.#context;
    const nonce = nextId().toString(36);
    state.inFlight = nonce;
    const message = encodeAnswers({ nonce, version: `${revision}`, identifier, answers, gone });
    return { type: state.type, nonce, parts: [message], byteLength: message.length, framed: null };
  }

  /**
   * Names for the answer to the first request for virtual hosts. That request does not name the route configuration that
   * waits, and Envoy accepts only an answer in which a name begins with it.
   */
  #routeNames(): string[] {
    return (this.#view?.route ?? []).flatMap((table) => [...table.entries.keys()].map((route) => `${route}/`));
  }

  #followRoutes(): void {
    const before = this.#routes;
    const names = [...(this.states.get('virtual-host')?.names.keys() ?? [])].map((name) => splitHostName(name).route);
    const wanted = this.#context.names.of(names);
    this.#routes =
      this.#view === null || wanted.size === 0
        ? null
        : this.#context.interests.acquire('route', { tables: this.#view.route, wildcard: false, names: wanted }, this);
    if (this.#routes === before) return;
    this.#seen = 0;
    if (before !== null) this.#context.interests.release(before, this);
  }
}

/** Drops the oldest names above the limit. The client keeps their resources and gets no further updates of them. */
function forgetOldest({ names, has }: NamedState): void {
  for (const [name, last] of names) {
    if (names.size <= mostNames) break;
    names.delete(name);
    if (last !== null) has.delete(last.resource);
  }
}

/** Returns the resources that the client has and to which no name refers any more. */
function dropUnnamed({ names, has }: NamedState, answers: ReadonlyMap<string, HostAnswer>): string[] {
  const meant = new Set(names.values().map((last) => last?.resource));
  const gone = [...has].filter((resource) => !meant.has(resource));
  for (const resource of gone) has.delete(resource);
  for (const { resource, body } of answers.values()) if (body !== null) has.add(resource);
  return gone;
}
