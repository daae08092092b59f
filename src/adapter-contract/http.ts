import type { Need } from '../model/access.ts';

/** Routes that an adapter adds to the HTTP interface. */
export interface AdapterHttp {
  /** Routes. A route that an earlier adapter already has is omitted. */
  readonly routes: readonly AdapterRoute[];
  /** The body of a refusal that is not the adapter's own: the request may not be made, or cannot be read. */
  describeError(message: string): object;
}

export interface AdapterRoute {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `/registry/v1/namespaces/:namespace/services`: a part that begins with a colon is a parameter. */
  readonly path: string;
  /** The permission that the caller needs, checked before the body is read. `RouteRequest.demand` checks those that depend on the body. */
  readonly need: (params: RouteParams) => Need;
  /** Called once the body was read. Where it rejects with a `MeshError` STORE_UNAVAILABLE, 503 is answered. */
  readonly answer: (request: RouteRequest) => Promise<RouteAnswer>;
}

export type RouteParams = Readonly<Record<string, string>>;

export interface RouteRequest {
  readonly params: RouteParams;
  readonly query: Readonly<Record<string, unknown>>;
  /** JSON, also of a body in YAML; undefined: there is none. */
  readonly body: unknown;
  /** Throws, to be answered with 403, where the caller may not have what the body asks for. */
  demand(need: Need): void;
  /** Writes what was changed into the audit trail, with who asked for it. */
  note(change: NotedChange): void;
}

/** An entry of the audit trail. */
export interface NotedChange {
  /** `register`, `deregister`. */
  readonly verb: string;
  /** `Instance`. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export type RouteAnswer =
  | { readonly type: 'json'; readonly status: number; readonly body: object }
  /** Status 204. */
  | { readonly type: 'nothing' }
  /** Newline-delimited JSON until the client goes; `begin` writes what there is to write already. */
  | { readonly type: 'lines'; readonly begin: (lines: Lines) => void };

/** An answer that goes on. A client that reads too slowly is cut off. */
export interface Lines {
  /** Without its line end. */
  write(line: string): void;
  /** Aborts when the client has gone or was cut off. */
  readonly gone: AbortSignal;
}
