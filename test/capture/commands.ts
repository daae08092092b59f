/** Address and contents of a request. */
export interface RequestTarget {
  readonly address: string;
  readonly port: number;
  /** The Host header, the `:authority`, or the server name for TLS. */
  readonly host: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The protocol to upgrade to. Five bytes are then sent and echoed. */
  readonly upgrade?: string;
}

export interface Listen {
  readonly op: 'listen';
  readonly kind: 'http' | 'grpc' | 'banner' | 'tls';
  readonly port: number;
  readonly name: string;
}

/** Commands for an agent (agent.ts) in its namespace. `begin` sends HTTP requests in sequence until `end`. */
export type AgentCommand =
  | Listen
  | ({ readonly op: 'http' } & RequestTarget)
  | ({ readonly op: 'grpc' } & RequestTarget)
  | ({ readonly op: 'tls' } & RequestTarget)
  | ({ readonly op: 'begin' } & RequestTarget)
  | {
      readonly op: 'raw';
      readonly address: string;
      readonly port: number;
      readonly say: string;
      readonly speaksFirst?: boolean;
    }
  /** Forwards connections to `port` to a Unix socket, which other namespaces share. */
  | { readonly op: 'relay'; readonly port: number; readonly socket: string }
  | { readonly op: 'end' };

/** Result of a command. `status` is HTTP's or gRPC's. */
export interface AgentAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly count?: number;
  readonly errors?: readonly string[];
  readonly error?: string;
}

/** Body of an answer from an agent's HTTP server. */
export interface Seen {
  readonly name: string;
  /** The source address of the connection. */
  readonly peer: string;
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, string>>;
}
