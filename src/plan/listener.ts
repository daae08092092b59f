import type { HttpFilterPlan } from './http-filters.ts';
import type { WeightedTarget } from './route.ts';

/** What addresses a captured workload has. Envoy looks for listeners within the family of a connection only. */
export type IpFamilies = 'ipv4' | 'ipv6' | 'dual';

type OneOrTwo = readonly [first: string, ...second: string[]];

/** Every address of a workload; the first gives listeners their names. */
export const anyAddress: Readonly<Record<IpFamilies, OneOrTwo>> = {
  ipv4: ['0.0.0.0'],
  ipv6: ['::'],
  dual: ['0.0.0.0', '::'],
};

/** The sources that mark connections to a workload as its own proxy's, so that the kernel does not bring them back. */
export const inboundSources: Readonly<Record<IpFamilies, OneOrTwo>> = {
  ipv4: ['127.0.0.6'],
  ipv6: ['::6'],
  dual: ['127.0.0.6', '::6'],
};

/** What a listener does with a connection. */
export type ListenerTraffic =
  | {
      readonly type: 'http';
      readonly routeConfiguration: string;
      /** Beside those that stand in every connection manager; each once. */
      readonly filters: readonly HttpFilterPlan[];
    }
  /** `targets`: at least one. */
  | { readonly type: 'tcp'; readonly targets: readonly WeightedTarget[] };

/** A listener that one host needs. Several hosts may need one of the same name: HTTP ones share it, else the oldest has it. */
export interface ListenerPlan {
  /** `<bind>_<port>`. */
  readonly name: string;
  readonly bind: string;
  /** Of another family, for the same traffic. */
  readonly alsoBinds: readonly string[];
  readonly port: number;
  /** False where the kernel brings the traffic to another listener, which hands it over. */
  readonly bindsToPort: boolean;
  readonly traffic: ListenerTraffic;
  /** It takes connections to addresses that are not its service's, as the service has none: to be reported. */
  readonly takesAnyAddress: boolean;
  readonly createdAtMs: number;
  readonly origins: readonly string[];
}

/** A name that clients without a proxy resolve (`xds:///<name>`). The calls go where the route configuration says. */
export interface TargetPlan {
  readonly name: string;
  readonly routeConfiguration: string;
  /** A shorter form of the name, or another one: it gives way to a host that is called so. */
  readonly isAlias: boolean;
  readonly createdAtMs: number;
  readonly origins: readonly string[];
}

/** One port that a workload serves. */
export interface InboundPort {
  /** `namespace/host` of the service, for origins. */
  readonly service: string;
  readonly portName: string;
  readonly servicePort: number;
  readonly targetPort: number;
  readonly protocol: 'http' | 'http2' | 'tcp';
}

/** Everything that a group of workloads serves. Ports are in order of precedence, one per target port. */
export interface InboundPlan {
  readonly ports: readonly InboundPort[];
  readonly families: IpFamilies;
  readonly transparent: boolean;
  readonly connectTimeoutMs: number;
}
