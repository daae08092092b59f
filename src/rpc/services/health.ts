import type { ServerStreamingMethod, UnaryMethod } from '../handlers/handler.ts';
import { RpcError } from '../status.ts';
import { healthDescriptor } from './health-descriptor.ts';
import { type ProtoFile, protoFile } from './messages.ts';

export type ServingStatus = 'SERVING' | 'NOT_SERVING';

/** Source of the answers. */
export interface HealthSource {
  /** Full names of the services. The empty name is the server as a whole. */
  readonly services: readonly string[];
  status(): ServingStatus;
  /** Calls `changed` when the status may have changed. The returned function unsubscribes. */
  subscribe(changed: () => void): () => void;
  /** Aborts when the server begins to drain. Watches then get NOT_SERVING and end. */
  readonly draining: AbortSignal;
}

export interface HealthService {
  readonly file: ProtoFile['file'];
  readonly methods: readonly [UnaryMethod, UnaryMethod, ServerStreamingMethod];
}

/**
 * `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). A watch sends a status
 * when it differs from the one before. It ends when the client cancels or the server drains.
 */
export function healthService(source: HealthSource): HealthService {
  const proto = protoFile(healthDescriptor);
  const request = proto.message('HealthCheckRequest');
  const response = proto.message('HealthCheckResponse');
  const list = proto.message('HealthListResponse');
  const status = (): ServingStatus => (source.draining.aborted ? 'NOT_SERVING' : source.status());
  const served = (bytes: Uint8Array) => source.services.includes(String(request.decode(bytes).service ?? ''));

  const check: UnaryMethod = {
    type: 'unary',
    path: '/grpc.health.v1.Health/Check',
    async handle(bytes) {
      if (!served(bytes)) throw new RpcError('NOT_FOUND', 'no such service is served here');
      return response.encode({ status: status() });
    },
  };
  const listAll: UnaryMethod = {
    type: 'unary',
    path: '/grpc.health.v1.Health/List',
    async handle() {
      const now = { status: status() };
      return list.encode({ statuses: Object.fromEntries(source.services.map((name) => [name, now])) });
    },
  };
  const watch: ServerStreamingMethod = {
    type: 'server-streaming',
    path: '/grpc.health.v1.Health/Watch',
    async *handle(bytes, { signal }) {
      // an unknown service may be added later: the stream stays open
      const read = served(bytes) ? status : () => 'SERVICE_UNKNOWN' as const;
      const until = AbortSignal.any([signal, source.draining]);
      for await (const current of changesOf(read, source, until)) yield response.encode({ status: current });
      throw new RpcError('UNAVAILABLE', 'the server is stopping');
    },
  };
  return { file: proto.file, methods: [check, listAll, watch] };
}

/** Yields the current value, each different value until the signal aborts, and then the last one if it differs. */
async function* changesOf<T>(read: () => T, source: HealthSource, until: AbortSignal): AsyncGenerator<T> {
  let wake = () => {};
  const rouse = () => wake();
  const unsubscribe = source.subscribe(rouse);
  until.addEventListener('abort', rouse);
  try {
    let told: T | null = null;
    for (;;) {
      const current = read();
      if (current !== told) {
        told = current;
        yield current;
      } else if (until.aborted) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    unsubscribe();
    until.removeEventListener('abort', rouse);
  }
}
