import type { ClusterJson, ListenerJson, RouteConfigurationJson } from '../proto/json.ts';

/** Resources of a proxy in proto JSON with camelCase names. */
export interface ProxyConfiguration {
  readonly listeners: readonly ListenerJson[];
  readonly routes: readonly RouteConfigurationJson[];
  readonly clusters: readonly ClusterJson[];
}

/** InspectedConnection and the first request on it. */
export interface SimulatedCall {
  /**
   * `outbound`: from the application, redirected to port 15001. `inbound`: to the proxy, redirected to 15006.
   * `gateway`: to a port that a listener binds.
   */
  readonly direction: 'outbound' | 'inbound' | 'gateway';
  /** Original destination address; empty for one that no listener binds. */
  readonly address: string;
  /** Original destination port. */
  readonly port: number;
  /** `tcp`: bytes that are not HTTP. */
  readonly protocol: 'http' | 'http2' | 'tcp';
  /** `mtls`: the client shows a certificate. */
  readonly tls: 'none' | 'tls' | 'mtls';
  /** Server name of the TLS handshake; empty for none. */
  readonly sni: string;
  /** Application protocols that the client offers, in its order. */
  readonly alpn: readonly string[];
  /** `Host` header or `:authority`. */
  readonly host: string;
  /** Path with the query. */
  readonly path: string;
  readonly method: string;
  /** Values by name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Source address of the connection; null if unknown, so that no condition on it holds. */
  readonly source: { readonly address: string; readonly port: number } | null;
}

/**
 * Failure of a call. `no-listener`: nothing listens. `no-chain`: no filter chain fits, and the connection is closed.
 * `several-chains`: ambiguous chains, which Envoy rejects. `no-virtual-host`, `no-route`: 404. `protocol-error`: an
 * HTTP chain gets TLS that it does not end, or bytes that are not HTTP. `tls-redirect`: 301 to https. `tls-error`:
 * plain text to a chain with TLS. `mtls-error`: a client certificate is missing, or is shown where none is requested.
 */
export type CallError =
  | 'no-listener'
  | 'no-chain'
  | 'several-chains'
  | 'no-virtual-host'
  | 'no-route'
  | 'protocol-error'
  | 'tls-redirect'
  | 'tls-error'
  | 'mtls-error';

/** Result of a call. */
export type Outcome =
  /** `clusters`: at least one; weights are relative. */
  | { readonly type: 'forward'; readonly clusters: readonly ChosenCluster[] }
  | { readonly type: 'redirect'; readonly status: number; readonly location: string }
  | { readonly type: 'respond'; readonly status: number }
  | { readonly type: 'error'; readonly error: CallError; readonly reason: string };

export interface ChosenCluster {
  readonly name: string;
  readonly weight: number;
  /** False if the proxy has no such cluster: requests get 503, connections are closed. */
  readonly exists: boolean;
}

/** Way of a call through the resources. Null where the call did not come so far; an unnamed part has an empty name. */
export interface Answer {
  readonly listener: string | null;
  readonly chain: string | null;
  readonly routeConfiguration: string | null;
  readonly virtualHost: string | null;
  readonly route: string | null;
  /** Index of the route in its virtual host. */
  readonly routeIndex: number | null;
  readonly outcome: Outcome;
}
