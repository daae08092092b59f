import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import type { Clock } from '../../src/lib/clock.ts';
import { sleep } from '../../src/lib/sleep.ts';
import { decodePayload, encodePayload, type Payload } from './payload.ts';

/** How connections are secured. */
export interface Security {
  readonly credentials: ChannelCredentials;
  /** Name in the servers' certificates; null for their address. */
  readonly serverName: string | null;
}

/** Part of Nacos that a connection uses. */
export type NacosModule = 'naming' | 'config';

export interface NacosConnectionOptions {
  /** `host:port` of the server's gRPC port. */
  readonly target: string;
  readonly security: Security;
  /** Namespace of the client; the server shows it in its list of clients. */
  readonly namespace: string;
  readonly module: NacosModule;
  readonly clock: Clock;
  /** Headers of each request: the access token. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Called with each request of the server, after it was acknowledged. */
  readonly pushed: (type: string, body: Payload['body']) => void;
}

/** One registered connection to one server. */
export interface NacosConnection {
  readonly target: string;
  /** Reports whether the server tells which services of a pattern exist (3.x). */
  readonly hasFuzzyWatch: boolean;
  /** Sends a request. Rejects with a `NacosError` if the server refuses it, or with another error if it is lost. */
  request(type: string, body: Payload['body']): Promise<Payload['body']>;
  /** Resolves with the reason once the connection is lost or closed. Requests are pointless from then on. */
  readonly lost: Promise<string>;
  close(): void;
}

/** Refusal of a request by a server that works. */
export class NacosError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'NacosError';
    this.code = code;
  }

  /** Reports whether the login is missing, expired, or does not suffice. */
  get isDenied(): boolean {
    return this.code === 401 || this.code === 403;
  }
}

/** Limit for an answer, which a server may need that is just starting. */
const requestMs = 10_000;
/** Interval of health checks, and the limit for their answers. A server that exceeds it hangs, and is left. */
const healthCheckMs = 5_000;
/** Interval of questions whether the server has registered the connection. */
const registrationMs = 50;
/** Error code of a connection that is not registered yet. */
const unregistered = 301;
/** Largest message: some 100,000 instances. */
const maxMessageBytes = 64 * 1_048_576;

/**
 * Connects and registers. The server ties subscriptions to the TCP connection, so a channel that connects again by
 * itself is of no use: the connection is lost when its stream ends.
 */
export async function connect(options: NacosConnectionOptions, signal: AbortSignal): Promise<NacosConnection> {
  const { target, clock, headers, pushed } = options;
  const { credentials, serverName } = options.security;
  const client = new Client(target, credentials, {
    ...(serverName === null
      ? {}
      : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName }),
    'grpc.use_local_subchannel_pool': 1, // a subchannel that is shared would be one connection of several
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.enable_retries': 0,
  });
  const lost = Promise.withResolvers<string>();
  const running = new Set<ClientUnaryCall>();
  let isLost = false;
  let cancelHealthCheck = () => {};
  let stream: ClientDuplexStream<Payload, Payload> | null = null;
  let setup = (_abilities: Readonly<Record<string, unknown>>) => {};

  function close(reason: string): void {
    if (isLost) return;
    isLost = true;
    cancelHealthCheck();
    signal.removeEventListener('abort', aborted);
    stream?.cancel();
    for (const one of running) one.cancel();
    client.close();
    lost.resolve(reason);
  }
  const aborted = () => close('closed');
  signal.addEventListener('abort', aborted);

  const request = (type: string, body: Payload['body']) => ask(type, body, requestMs);

  async function ask(type: string, body: Payload['body'], limitMs: number): Promise<Payload['body']> {
    if (isLost) throw new Error(`the connection to ${target} is lost`);
    const answer = await call(client, { type, headers: headers(), body }, { limitMs, running });
    const { resultCode, errorCode, message } = answer.body;
    if (resultCode === 200) return answer.body;
    throw new NacosError(Number(errorCode ?? resultCode ?? 0), String(message ?? `${type} was refused`));
  }

  function checkHealth(): void {
    ask('HealthCheckRequest', {}, healthCheckMs).then(
      () => {
        if (!isLost) cancelHealthCheck = clock.after(healthCheckMs, checkHealth);
      },
      (error: Error) => close(`does not answer (${error.message})`),
    );
  }

  function received({ type, body }: Payload): void {
    const answer = type.replace(/Request$/, 'Response');
    const { requestId = '' } = body;
    stream?.write({ type: answer, headers: headers(), body: { requestId, resultCode: 200, errorCode: 0 } });
    if (type === 'SetupAckRequest') setup(abilitiesOf(body));
    else if (type === 'ConnectResetRequest') close('asked its clients to go to another server');
    else if (type !== 'ClientDetectionRequest') pushed(type, body);
  }

  /** Waits until the server has registered the connection: a 2.x server does not tell. */
  async function registered(): Promise<void> {
    for (;;) {
      try {
        await request('HealthCheckRequest', {});
        return;
      } catch (cause) {
        if (!(cause instanceof NacosError) || cause.code !== unregistered) throw cause;
        await sleep(clock, registrationMs, signal);
      }
    }
  }

  try {
    const { supportAbilityNegotiation } = await request('ServerCheckRequest', {});
    const abilities = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
      setup = resolve;
    });
    stream = client.makeBidiStreamRequest('/BiRequestStream/requestBiStream', encodePayload, decodePayload);
    stream.on('data', received);
    stream.on('error', (error) => close(`closed the connection (${error.message})`));
    stream.on('end', () => close('closed the connection'));
    const labels = { source: 'sdk', module: options.module, AppName: 'binnacle' };
    const body = { clientVersion: 'Nacos-Binnacle-Client:v3.1.0', tenant: options.namespace, labels };
    stream.write({
      type: 'ConnectionSetupRequest',
      headers: headers(),
      body: { ...body, abilityTable: { fuzzyWatch: true } },
    });
    const told = supportAbilityNegotiation === true ? abilities : Promise.resolve<{ fuzzyWatch?: unknown }>({});
    const late = sleep(clock, requestMs, signal).then(() => ({ fuzzyWatch: false }));
    const { fuzzyWatch } = await Promise.race([told, late, lost.promise.then(() => ({ fuzzyWatch: false }))]);
    await registered();
    cancelHealthCheck = clock.after(healthCheckMs, checkHealth);
    return { target, hasFuzzyWatch: fuzzyWatch === true, request, lost: lost.promise, close: () => close('closed') };
  } catch (cause) {
    close('closed');
    throw cause;
  }
}

interface CallOptions {
  readonly limitMs: number;
  /** Calls to cancel when the connection is closed. */
  readonly running: Set<ClientUnaryCall>;
}

function call(client: Client, payload: Payload, { limitMs, running }: CallOptions): Promise<Payload> {
  const { promise, resolve, reject } = Promise.withResolvers<Payload>();
  const sent = client.makeUnaryRequest(
    '/Request/request',
    encodePayload,
    decodePayload,
    payload,
    { deadline: new Date(Date.now() + limitMs) },
    (error: ServiceError | null, answer?: Payload) => {
      running.delete(sent);
      if (error === null && answer !== undefined) resolve(answer);
      else reject(error ?? new Error('the answer is empty'));
    },
  );
  running.add(sent);
  return promise;
}

function abilitiesOf({ abilityTable }: Payload['body']): Readonly<Record<string, unknown>> {
  const isTable = typeof abilityTable === 'object' && abilityTable !== null;
  return isTable ? (abilityTable as Readonly<Record<string, unknown>>) : {}; // just checked
}
