import { silentLogger } from '../../src/lib/logger.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import type { XdsType } from '../../src/proto/resource.ts';
import type { Client, Outlet } from '../../src/push/client.ts';
import type { ClientLimits } from '../../src/push/client-limits.ts';
import { Coordinator } from '../../src/push/coordinator.ts';
import { type PushObserver, unobserved } from '../../src/push/observer.ts';
import { createStream } from '../../src/xds/stream/stream.ts';
import type { Mode, Response } from '../../src/xds/wire/response.ts';
import { type Asking, ask, hear, lineOf } from './conversation.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { FakeCompiler } from './fake-compiler.ts';

/** A coordinator with a fake compiler and a fake clock. Deferred turns run only when the test runs them. */
export class FakePush {
  readonly compiler = new FakeCompiler();
  readonly clock: FakeClock = fakeClock(0);
  readonly errors: unknown[] = [];
  readonly warnings: object[] = [];
  readonly coordinator: Coordinator;
  readonly #deferred: (() => void)[] = [];
  readonly #stopping = new AbortController();

  constructor(observer: Partial<PushObserver> = {}, limits: Partial<ClientLimits> = {}) {
    const note = (facts: object) => this.errors.push(facts);
    const warn = (facts: object, message: string) => this.warnings.push({ message, ...facts });
    this.coordinator = new Coordinator({
      compiler: this.compiler,
      take: () => [],
      clock: this.clock,
      log: { ...silentLogger, error: note, warn },
      observer: { ...unobserved, ...observer },
      limits,
      timing: { endpointQuietMs: 0, quietMs: 20, maxMs: 1_000 },
      defer: (run) => this.#deferred.push(run),
      elapsed: () => this.compiler.elapsedMs,
    });
    this.coordinator.start(this.#stopping.signal);
  }

  /** Compiles a change and sends what can be sent without advancing time. */
  async change(layer: string, contents: Parameters<FakeCompiler['put']>[1]): Promise<void> {
    this.compiler.put(layer, contents);
    this.coordinator.changed('endpoints');
    this.clock.advance(0);
    await this.rest();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.rest();
  }

  /** Runs deferred turns and lets promises settle, until nothing is left to do. */
  async rest(): Promise<void> {
    do {
      for (const run of this.#deferred.splice(0)) run();
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#deferred.length > 0);
  }

  /** Runs one deferred turn, if there is one. */
  async turn(): Promise<void> {
    this.#deferred.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }

  connect(id: string, mode: Mode = 'delta', peer = 'test'): FakeClient {
    return new FakeClient(this, id, { mode, peer });
  }
}

/** A client whose socket has room, unless the test fills it. */
export class FakeClient implements Outlet {
  writable = true;
  readonly heard: string[] = [];
  readonly ended: string[] = [];
  readonly client: Client;
  readonly #push: FakePush;
  readonly #nonces = new Map<XdsType, string>();

  constructor(push: FakePush, id: string, { mode, peer }: { readonly mode: Mode; readonly peer: string }) {
    this.#push = push;
    // The coordinator passes a proxy to the compiler, and reads only its id and addresses.
    const proxy = { id, addresses: [id] } as unknown as Proxy;
    this.client = push.coordinator.connect({ id, proxy, stream: createStream(mode), peer, outlet: this });
  }

  write(response: Response): void {
    const heard = hear(this.client.stream.mode, response);
    this.#nonces.set(heard.type, heard.nonce);
    this.heard.push(lineOf(heard));
  }

  end(reason: string): void {
    this.ended.push(reason);
    this.writable = false;
  }

  asks(type: XdsType, asking: Asking = {}): void {
    const { coordinator } = this.#push;
    coordinator.received(this.client, ask(coordinator, this.client.stream, type, asking));
  }

  acks(type: XdsType): void {
    this.asks(type, { nonce: this.#nonces.get(type) ?? '' });
  }

  nacks(type: XdsType, error: string): void {
    this.asks(type, { nonce: this.#nonces.get(type) ?? '', error });
  }

  /** Returns the responses since the last call. */
  async hears(): Promise<string[]> {
    await this.#push.rest();
    return this.heard.splice(0);
  }
}
