/** Where a request goes, and what it says. */
export interface Target {
  readonly address: string;
  readonly port: number;
  /** The Host header, the `:authority`, or the name that TLS asks for. */
  readonly host: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The protocol to change to; five bytes are then sent, and come back. */
  readonly upgrade?: string;
}

export interface Listen {
  readonly op: 'listen';
  readonly kind: 'http' | 'grpc' | 'banner' | 'tls';
  readonly port: number;
  readonly name: string;
}

/** What an agent (agent.ts) is told to do in its namespace. `begin`: HTTP requests one after another, until `end`. */
export type Command =
  | Listen
  | ({ readonly op: 'http' } & Target)
  | ({ readonly op: 'grpc' } & Target)
  | ({ readonly op: 'tls' } & Target)
  | ({ readonly op: 'begin' } & Target)
  | {
      readonly op: 'raw';
      readonly address: string;
      readonly port: number;
      readonly say: string;
      readonly speaksFirst?: boolean;
    }
  | { readonly op: 'end' };

/** What came of it. `status` is HTTP's or gRPC's. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly count?: number;
  readonly errors?: readonly string[];
  readonly error?: string;
}

/** What an HTTP server of an agent answers. */
export interface Seen {
  readonly name: string;
  /** The address that the connection came from. */
  readonly peer: string;
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, string>>;
}
