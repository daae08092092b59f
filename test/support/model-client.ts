import { mapTypes, type XdsType, xdsTypes } from '../../src/proto/resource.ts';
import type { StreamState } from '../../src/xds/stream/stream.ts';
import type { Mode } from '../../src/xds/wire/response.ts';
import { ask, type Heard, hear, type Server } from './conversation.ts';

export interface ModelOptions {
  readonly refuses?: (type: XdsType, content: string) => boolean;
  /**
   * Handling of the rest of a rejected response, and whether the error names all refused resources, the first, or none.
   */
  readonly refusing?: { readonly takesOthers: boolean; readonly names: 'all' | 'first' | 'none' };
  /** SotW: types whose responses are the complete set. Clusters and listeners if left out. */
  readonly wholeTypes?: readonly XdsType[];
  /** Uses one stream per type in place of one for all. */
  readonly isSplit?: boolean;
}

/**
 * A client that follows the protocol. It applies responses, and subscribes to the assignments of its clusters and the
 * routes of its listeners (route `r` of listener `r`). It replies when the test says so. Like Envoy, it survives its
 * streams. It rejects a response with a resource that it `refuses` completely, as Envoy does for an invalid message.
 * With `takesOthers` it applies the rest, as Envoy does when it cannot create a cluster.
 */
export class ModelClient {
  readonly has: Readonly<Record<XdsType, Map<string, string>>> = mapTypes(() => new Map());
  readonly #server: Server;
  readonly mode: Mode;
  /** Streams by type: one shared by all types, or one each. */
  readonly streams = new Map<XdsType, StreamState>();
  readonly #isSplit: boolean;
  readonly #unanswered = new Map<XdsType, string>();
  readonly #nonces = new Map<XdsType, string>();
  readonly #subscribed = new Map<XdsType, readonly string[]>();

  readonly #refused = new Map<XdsType, string>();
  readonly #wholeTypes: readonly XdsType[];
  readonly #refuses: (type: XdsType, content: string) => boolean;
  readonly #refusing: NonNullable<ModelOptions['refusing']>;

  constructor(server: Server, mode: Mode, options: ModelOptions = {}) {
    const { refuses = () => false, refusing = { takesOthers: false, names: 'all' }, isSplit = false } = options;
    this.#server = server;
    this.mode = mode;
    this.#refuses = refuses;
    this.#refusing = refusing;
    this.#wholeTypes = options.wholeTypes ?? ['cluster', 'listener'];
    this.#isSplit = isSplit;
  }

  connect(): void {
    this.disconnect();
    const connect = () => this.#server.connect(this.mode, this.#wholeTypes);
    const shared = this.#isSplit ? null : connect();
    for (const type of xdsTypes) this.streams.set(type, shared ?? connect());
    for (const type of ['cluster', 'listener'] as const) this.#ask(type, [], this.#versions(type));
    this.#follow();
  }

  disconnect(): void {
    for (const stream of new Set(this.streams.values())) this.#server.disconnect(stream);
    this.streams.clear();
    this.#unanswered.clear();
    this.#nonces.clear();
    this.#subscribed.clear();
  }

  /** Applies one response, if there is one. */
  hearOne(): boolean {
    for (const stream of new Set(this.streams.values())) {
      const response = this.#server.next(stream);
      if (response === null) continue;
      this.#apply(hear(this.mode, response));
      return true;
    }
    return false;
  }

  /** Replies to the response of this type that waits for a reply, if there is one. */
  answer(type: XdsType, complaint?: string): boolean {
    const nonce = this.#unanswered.get(type);
    const stream = this.streams.get(type);
    if (nonce === undefined || stream === undefined) return false;
    this.#unanswered.delete(type);
    const error = this.#refused.get(type) ?? complaint;
    const names = this.mode === 'sotw' ? (this.#subscribed.get(type) ?? []) : [];
    ask(this.#server, stream, type, { nonce, names, ...(error === undefined ? {} : { error }) });
    return true;
  }

  /** Receives and acknowledges until no response is left. Returns the number of responses. */
  settle(): number {
    let heard = 0;
    for (let progress = true; progress; ) {
      progress = false;
      while (this.hearOne()) {
        heard++;
        progress = true;
      }
      for (const type of ['endpoint', 'cluster', 'listener', 'route'] as const) {
        if (this.answer(type)) progress = true;
      }
      if (heard > 10_000) throw new Error('never comes to rest');
    }
    return heard;
  }

  #apply({ type, nonce, resources, removed }: Heard): void {
    this.#unanswered.set(type, nonce);
    this.#nonces.set(type, nonce);
    const refused = [...resources].filter(([, content]) => this.#refuses(type, content)).map(([name]) => name);
    this.#refused.delete(type);
    if (refused.length > 0) {
      const { takesOthers, names } = this.#refusing;
      const named = { all: refused, first: refused.slice(0, 1), none: [] }[names];
      this.#refused.set(type, `cannot take ${named.join()}`);
      if (!takesOthers) return;
    }
    const has = this.has[type];
    if (this.mode === 'sotw' && this.#wholeTypes.includes(type)) {
      for (const name of has.keys()) if (!resources.has(name)) has.delete(name);
    }
    for (const [name, content] of resources) {
      if (content === '∅') has.delete(name);
      else if (!refused.includes(name)) has.set(name, content);
    }
    for (const name of removed) has.delete(name);
    if (type === 'cluster' || type === 'listener') this.#follow();
  }

  /** Drops assignments and routes that nothing refers to any more. */
  #follow(): void {
    this.#subscribe('endpoint', [...this.has.cluster.keys()].sort());
    this.#subscribe('route', [...this.has.listener.keys()].sort());
  }

  #subscribe(type: XdsType, names: readonly string[]): void {
    const before = this.#subscribed.get(type);
    for (const name of this.has[type].keys()) if (!names.includes(name)) this.has[type].delete(name);
    if (before === undefined ? names.length === 0 : before.join() === names.join()) return;
    this.#subscribed.set(type, names);
    if (this.mode === 'sotw') {
      // The new list carries the newest nonce, which also replies to that response.
      if (!this.answer(type)) this.#ask(type, names);
      return;
    }
    const added = names.filter((name) => before?.includes(name) !== true);
    const dropped = (before ?? []).filter((name) => !names.includes(name));
    this.#ask(type, added, before === undefined ? this.#versions(type) : {}, dropped);
  }

  #ask(type: XdsType, names: readonly string[], has: Record<string, string> = {}, drop: readonly string[] = []): void {
    const stream = this.streams.get(type);
    if (stream === undefined) return;
    const nonce = this.mode === 'sotw' ? (this.#nonces.get(type) ?? '') : '';
    ask(this.#server, stream, type, { names, nonce, ...(this.mode === 'delta' ? { has, drop } : {}) });
  }

  /** In these tests, a resource's version is its content. */
  #versions(type: XdsType): Record<string, string> {
    return this.mode === 'delta' ? Object.fromEntries(this.has[type]) : {};
  }
}
