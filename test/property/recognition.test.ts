import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { silentLogger } from '../../src/lib/logger.ts';
import { typeUrls } from '../../src/proto/resource.ts';
import { DiscoveryStream } from '../../src/push/discovery/discovery-stream.ts';
import { discoveryServices } from '../../src/push/discovery/services.ts';
import type { ServerCall } from '../../src/rpc/call.ts';
import { parseEverything, type Recognition, recognition } from '../../src/xds/recognition/recognition.ts';
import type { Mode } from '../../src/xds/wire/response.ts';
import { FakePush } from '../support/fake-push.ts';
import { runs } from '../support/property-runs.ts';

type Type = 'cluster' | 'endpoint';
type Step =
  /** A subscription to assignments; most clients of a mesh have the same. */
  | { readonly do: 'subscribe'; readonly client: number; readonly set: number }
  | {
      readonly do: 'answer';
      readonly client: number;
      readonly type: Type;
      readonly error: boolean;
      readonly again: boolean;
    }
  | { readonly do: 'change'; readonly name: number; readonly version: number }
  | { readonly do: 'reconnect'; readonly client: number };

const client = fc.nat({ max: 2 });
const type = fc.constantFrom<Type>('cluster', 'endpoint');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('subscribe' as const), client, set: fc.nat({ max: 1 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      ...{ client, type, error: fc.nat({ max: 9 }).map((n) => n === 0), again: fc.nat({ max: 4 }).map((n) => n === 0) },
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      name: fc.nat({ max: 39 }),
      version: fc.nat({ max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const), client }) },
);

const names = Array.from({ length: 40 }, (_, index) => `outbound|80||a-service-of-the-mesh-${index}.test`);
const setOf = (set: number): readonly string[] => (set === 0 ? names : names.slice(1));
const node = { id: 'sidecar~10.0.0.1~client.default~default.svc.cluster.local' };

/** Clients of one control plane, which write what they say as bytes. */
class World {
  readonly clients: (Talker | undefined)[] = [];
  recognised = 0;
  readonly #mode: Mode;
  readonly #recognition: Recognition;
  readonly #push = new FakePush();

  constructor(mode: Mode, make: (mode: Mode) => Recognition) {
    this.#mode = mode;
    this.#recognition = make(mode);
    const contents = Object.fromEntries(names.map((name) => [name, '0']));
    this.#push.compiler.put('scope', { cluster: contents, endpoint: contents });
  }

  /** Answers with what each client was sent so far. */
  async take(step: Step): Promise<readonly (readonly string[])[]> {
    if (step.do === 'change') {
      await this.#push.change('scope', { endpoint: { [names[step.name] ?? '']: `${step.version}` } });
      return this.#heard();
    }
    if (step.do === 'reconnect') {
      this.clients[step.client]?.stream.closed({ type: 'cancelled' });
      this.clients[step.client] = undefined;
    }
    const client = this.clients[step.client] ?? (await this.#connect());
    this.clients[step.client] = client;
    if (step.do === 'subscribe') this.#subscribe(client, setOf(step.set));
    if (step.do === 'answer') this.#answer(client, step);
    await this.#push.rest();
    return this.#heard();
  }

  #heard = () => this.clients.map((client) => client?.heard.map(lineOf) ?? []);

  async #connect(): Promise<Talker> {
    const service = discoveryServices.find(({ short }) => short === 'ADS');
    if (service === undefined) throw new Error('there is no ADS');
    const heard: Heard[] = [];
    const call = {
      ...{ method: '', metadata: new Map(), peer: 'test', identity: null, acceptsGzip: false, writable: true },
      ...{ sendHeaders: () => {}, pause: () => {}, resume: () => {}, end: () => {}, mayLog: () => true },
      writeFramed: (parts: readonly Uint8Array[]) => {
        heard.push(read(this.#mode, Buffer.concat(parts).subarray(framePrefixLength)));
        return true;
      },
    };
    const stream = new DiscoveryStream(
      call as unknown as ServerCall, // of its metadata nothing is read
      { mode: this.#mode, service, recognition: this.#recognition },
      { coordinator: this.#push.coordinator, log: silentLogger, awaited: () => [], domainSuffix: 'cluster.local' },
    );
    const client = { stream, heard, names: none };
    this.#say(client, { node, typeUrl: typeUrls.cluster });
    await this.#push.rest();
    return client;
  }

  #subscribe(client: Talker, wanted: readonly string[]): void {
    const typeUrl = typeUrls.endpoint;
    const last = client.heard.findLast((one) => one.typeUrl === typeUrl);
    const dropped = client.names.filter((name) => !wanted.includes(name));
    client.names = wanted;
    if (this.#mode === 'delta') {
      this.#say(client, { typeUrl, resourceNamesSubscribe: [...wanted], resourceNamesUnsubscribe: dropped });
    } else {
      const answered = { versionInfo: last?.version ?? '', responseNonce: last?.nonce ?? '' };
      this.#say(client, { typeUrl, resourceNames: [...wanted], ...answered });
    }
  }

  #answer(client: Talker, { type, error, again }: Step & { readonly do: 'answer' }): void {
    const typeUrl = typeUrls[type];
    const answered = client.heard.filter((one) => one.typeUrl === typeUrl).at(again ? -2 : -1);
    if (answered === undefined) return;
    const head = {
      typeUrl,
      responseNonce: answered.nonce,
      ...(error ? { errorDetail: { message: names[3] ?? '' } } : {}),
    };
    const resourceNames = type === 'endpoint' ? [...client.names] : [];
    this.#say(client, this.#mode === 'delta' ? head : { ...head, versionInfo: answered.version, resourceNames });
  }

  /** As the transport does: bytes that equal what is expected are not handed over. */
  #say({ stream }: Talker, message: Message): void {
    const bytes =
      this.#mode === 'delta'
        ? toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, message))
        : toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, message));
    const known = stream.expectedMessage(bytes.length);
    if (known === null || !Buffer.concat(known.parts).equals(bytes)) stream.message(bytes);
    else {
      this.recognised++;
      stream.recognised(known);
    }
  }
}

interface Talker {
  readonly stream: DiscoveryStream;
  readonly heard: Heard[];
  /** Of its subscription to assignments. */
  names: readonly string[];
}

interface Heard {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly resources: number;
  readonly bytes: string;
}

type Message = MessageInitShape<typeof DeltaDiscoveryRequestSchema> & MessageInitShape<typeof DiscoveryRequestSchema>;

const none: readonly string[] = [];
const framePrefixLength = 5;

function read(mode: Mode, bytes: Uint8Array): Heard {
  const message = fromBinary(mode === 'delta' ? DeltaDiscoveryResponseSchema : DiscoveryResponseSchema, bytes);
  const version = 'versionInfo' in message ? message.versionInfo : message.systemVersionInfo;
  const { typeUrl, nonce, resources } = message;
  return { typeUrl, nonce, version, resources: resources.length, bytes: Buffer.from(bytes).toString('base64') };
}

const lineOf = ({ typeUrl, bytes }: Heard): string => `${typeUrl} ${bytes}`;

for (const mode of ['sotw', 'delta'] as const) {
  it(`${mode}: streams get the same responses whether repeated bytes are recognised or parsed`, async () => {
    let recognised = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const [on, off] = [new World(mode, recognition), new World(mode, parseEverything)];
        for (const one of steps) expect(await on.take(one)).toEqual(await off.take(one));
        expect(off.recognised).toBe(0);
        recognised += on.recognised;
      }),
      { numRuns: runs(60) },
    );
    expect(recognised).toBeGreaterThan(50);
  });
}
