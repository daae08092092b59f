import type { Need } from '../model/access.ts';

/** Routes that an adapter adds to the HTTP interface. */
export interface AdapterHttp {
  /** Routes. A route that an earlier adapter already has is omitted. */
  readonly routes: readonly AdapterRoute[];
  /** Builds the body of a rejection by the server: the request is not permitted, or cannot be read. */
  describeError(message: string): object;
}

export interface AdapterRoute {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path such as `/registry/v1/namespaces/:namespace/services`. A part that begins with a colon is a parameter. */
  readonly path: string;
  /** Line in the list of debug views, for a route below `/debug`. */
  readonly about?: string;
  /**
   * Returns the permission that the caller needs, checked before the body is read. `RouteRequest.demand` checks those
   * that depend on the body.
   */
  readonly need: (params: RouteParams) => Need;
  /**
   * Handles a request after its body was read. A rejection with the `MeshError` STORE_UNAVAILABLE is answered with 503.
   */
  readonly answer: (request: RouteRequest) => Promise<RouteAnswer>;
}

export type RouteParams = Readonly<Record<string, string>>;

export interface RouteRequest {
  readonly params: RouteParams;
  readonly query: Readonly<Record<string, unknown>>;
  /** Body as JSON, also of a body in YAML; undefined without a body. */
  readonly body: unknown;
  /** Throws if the caller lacks a permission that the body requires; the answer is 403. */
  demand(need: Need): void;
  /** Records a change and its author in the audit trail. */
  note(change: NotedChange): void;
}

/** Entry of the audit trail. */
export interface NotedChange {
  /** Verb such as `register` or `deregister`. */
  readonly verb: string;
  /** Kind such as `Instance`. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export type RouteAnswer =
  | { readonly type: 'json'; readonly status: number; readonly body: object }
  /** Status 204. */
  | { readonly type: 'nothing' }
  /** Newline-delimited JSON until the client disconnects. `begin` writes the initial lines. */
  | { readonly type: 'lines'; readonly begin: (lines: Lines) => void };

/** Answer that continues. A client that reads too slowly is disconnected. */
export interface Lines {
  /** Writes a line, given without its line end. */
  write(line: string): void;
  /** Aborts when the client has disconnected or was disconnected. */
  readonly gone: AbortSignal;
}
