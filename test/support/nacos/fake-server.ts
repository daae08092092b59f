import { createHash } from 'node:crypto';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { decodePayload, encodePayload, type Payload } from '../../../adapters/nacos/payload.ts';

/** Instance of a fake server, in Nacos' own form. */
export interface FakeInstance {
  readonly ip: string;
  readonly port: number;
  readonly [field: string]: unknown;
}

/** A server in this process that speaks Nacos' gRPC protocol and fails on command. */
export interface FakeNacos {
  /** `127.0.0.1:port` of gRPC; configure `grpcPortOffset: 0`. */
  readonly address: string;
  /** Types of the requests so far. */
  readonly requests: readonly string[];
  readonly connections: number;
  /** Sets the instances of a service of group `G`, null to forget it, and pushes it to subscribers. */
  set(service: string, instances: readonly FakeInstance[] | null): void;
  /** Sets the content of a configuration, null to remove it, and notifies those that listen to it. */
  setConfig(dataId: string, content: string | null, group?: string): void;
  /** Sends a request to all clients of its module. */
  tell(type: string, body: Payload['body']): void;
  /** Answers no request from now on. */
  hang(): void;
  /** Answers again, also what it refused. */
  resume(): void;
  /** Refuses requests of these types with an error code. */
  refuse(code: number, ...types: readonly string[]): void;
  stop(): void;
}

export interface FakeNacosOptions {
  /** A 2.x server tells no abilities and watches no names. */
  readonly version?: 2 | 3;
  /** Number of names that a fuzzy watch tells at most. */
  readonly watchLimit?: number;
}

type Call = ServerDuplexStream<Payload, Payload>;

/** Starts a server that stops when the test ends. */
export async function fakeNacosForTest(options: FakeNacosOptions = {}): Promise<FakeNacos> {
  const server = await startFakeNacos(options);
  onTestFinished(() => server.stop());
  return server;
}

export async function startFakeNacos({ version = 3, watchLimit = 500 }: FakeNacosOptions = {}): Promise<FakeNacos> {
  const services = new Map<string, readonly FakeInstance[]>();
  const told = new Set<string>();
  const requests: string[] = [];
  const configs = new Map<string, string>();
  const listened = new Set<string>();
  /** Modules of clients by their streams. */
  const streams = new Map<Call, string>();
  const refusals = new Map<string, number>();
  let isHanging = false;
  let time = 1_000;

  const infoOf = (name: string) => ({ name, groupName: 'G', hosts: services.get(name) ?? [], lastRefTime: ++time });
  const keyOf = (name: string) => `public@@G@@${name}`;

  /** Chooses the answer of a request that is not refused. */
  function answerTo(type: string, body: Payload['body']): Payload['body'] {
    switch (type) {
      case 'ServerCheckRequest':
        return { supportAbilityNegotiation: version === 3 };
      case 'SubscribeServiceRequest':
      case 'ServiceQueryRequest':
        return { serviceInfo: infoOf(String(body.serviceName)) };
      case 'ServiceListRequest':
        return listOf(body);
      case 'ConfigBatchListenRequest':
        return changesOf(body);
      case 'ConfigQueryRequest':
        return contentOf(String(body.dataId));
      case 'NamingFuzzyWatchRequest':
        setImmediate(() => tellNames([...services.keys()]));
        return {};
      default:
        return {};
    }
  }

  function listOf({ groupName, pageNo, pageSize }: Payload['body']): Payload['body'] {
    const names = groupName === 'G' ? [...services.keys()] : [];
    const from = (Number(pageNo) - 1) * Number(pageSize);
    return { count: names.length, serviceNames: names.slice(from, from + Number(pageSize)) };
  }

  function changesOf({ listen, configListenContexts }: Payload['body']): Payload['body'] {
    const given = configListenContexts as readonly { group: string; dataId: string; md5: string }[]; // as the adapter sends it
    for (const { dataId } of given)
      if (listen === true) listened.add(dataId);
      else listened.delete(dataId);
    return { changedConfigs: given.filter(({ dataId, md5 }) => md5 !== md5Of(configs.get(dataId))) };
  }

  function contentOf(dataId: string): Payload['body'] {
    const content = configs.get(dataId);
    if (content === undefined) return { resultCode: 500, errorCode: 300, message: 'config data not exist' };
    return { content, md5: md5Of(content) };
  }

  function tellNames(names: readonly string[]): void {
    for (const name of names) if (told.size < watchLimit) told.add(name);
    const contexts = [...told].map((name) => ({ serviceKey: keyOf(name), changedType: 'ADD_SERVICE' }));
    tell('NamingFuzzyWatchSyncRequest', { syncType: 'FUZZY_WATCH_INIT_NOTIFY', contexts });
    tell('NamingFuzzyWatchSyncRequest', { syncType: 'FINISH_FUZZY_WATCH_INIT_NOTIFY', contexts: [] });
  }

  function tell(type: string, body: Payload['body']): void {
    const module = type.startsWith('Config') ? 'config' : /^(Naming|Notify)/.test(type) ? 'naming' : null;
    for (const [stream, own] of streams)
      if (module === null || module === own)
        stream.write({ type, headers: {}, body: { requestId: String(++time), ...body } });
  }

  function request({ request: { type, body } }: ServerUnaryCall<Payload, Payload>, done: sendUnaryData<Payload>): void {
    requests.push(type);
    if (isHanging) return;
    const isTooEarly = type === 'HealthCheckRequest' && streams.size === 0;
    const code = isTooEarly ? 301 : refusals.get(type);
    const result =
      code === undefined ? { resultCode: 200, errorCode: 0 } : { resultCode: 500, errorCode: code, message: 'refused' };
    done(null, {
      type: type.replace('Request', 'Response'),
      headers: {},
      body: { ...result, ...answerTo(type, body) },
    });
  }

  function stream(call: Call): void {
    streams.set(call, '');
    const gone = () => streams.delete(call);
    call.on('end', () => call.end());
    call.on('close', gone);
    call.on('cancelled', gone);
    call.on('error', gone);
    call.on('data', ({ type, body }: Payload) => {
      requests.push(type);
      if (type !== 'ConnectionSetupRequest') return;
      streams.set(call, (body.labels as { module: string }).module); // as the adapter sends it
      if (version === 2) return;
      call.write({
        type: 'SetupAckRequest',
        headers: {},
        body: { requestId: '1', abilityTable: { fuzzyWatch: true } },
      });
    });
  }

  const server = new Server();
  const messages = {
    requestSerialize: encodePayload,
    requestDeserialize: decodePayload,
    responseSerialize: encodePayload,
    responseDeserialize: decodePayload,
  };
  server.addService(
    { request: { path: '/Request/request', requestStream: false, responseStream: false, ...messages } },
    { request },
  );
  server.addService(
    { stream: { path: '/BiRequestStream/requestBiStream', requestStream: true, responseStream: true, ...messages } },
    { stream },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });

  return {
    address: `127.0.0.1:${port}`,
    requests,
    get connections() {
      return streams.size;
    },
    set(service, instances) {
      if (instances === null) services.delete(service);
      else services.set(service, instances);
      if (instances !== null && told.size < watchLimit && !told.has(service)) {
        told.add(service);
        const change = { serviceKey: keyOf(service), changedType: 'ADD_SERVICE' };
        if (version === 3) tell('NamingFuzzyWatchChangeNotifyRequest', change);
      }
      tell('NotifySubscriberRequest', { serviceInfo: infoOf(service) });
    },
    setConfig(dataId, content, group = 'G') {
      if (content === null) configs.delete(dataId);
      else configs.set(dataId, content);
      if (listened.has(dataId)) tell('ConfigChangeNotifyRequest', { group, dataId, tenant: '' });
    },
    tell,
    hang() {
      isHanging = true;
    },
    resume() {
      isHanging = false;
      refusals.clear();
    },
    refuse(code, ...types) {
      for (const type of types) refusals.set(type, code);
    },
    stop: () => server.forceShutdown(),
  };
}

const md5Of = (content: string | undefined): string =>
  content === undefined ? '' : createHash('md5').update(content).digest('hex');
