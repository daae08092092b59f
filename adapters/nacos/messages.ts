import { z } from 'zod';
import { err, ok, type Result } from '../../src/lib/result.ts';

/** Instance as Nacos lists it. */
export interface NacosInstance {
  /** IP address, or a hostname. */
  readonly ip: string;
  readonly port: number;
  /** 0 or more; 1 by default. */
  readonly weight: number;
  readonly healthy: boolean;
  readonly enabled: boolean;
  readonly clusterName: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Instances of one service at one moment. */
export interface ServiceInfo {
  readonly hosts: readonly unknown[];
  /** Time of the server at which it made the list, in milliseconds: an older list must not replace a newer one. */
  readonly lastRefTime: number;
  /** All instances count as healthy, because fewer than the protect threshold are. */
  readonly reachProtectionThreshold: boolean;
}

/** Maximum size of an instance's metadata in characters. */
const maxMetadata = 65_536;

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const instance = z.object({
  ip: z.string().min(1),
  port: z.int().min(0).max(65_535),
  weight: z.number().min(0).nullish(),
  healthy: z.boolean().nullish(),
  enabled: z.boolean().nullish(),
  clusterName: z.string().nullish(),
  metadata: z.record(z.string(), text.nullable()).nullish(),
});

/** Validates one instance. Absent and null are equal. */
export function readNacosInstance(given: unknown): Result<NacosInstance, string> {
  const parsed = instance.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is invalid'}`);
  }
  const { ip, port, weight, healthy, enabled, clusterName, metadata } = parsed.data;
  const entries = Object.entries(metadata ?? {}).flatMap(([key, value]) =>
    value === null ? [] : [[key, value] as const],
  );
  const size = entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (size > maxMetadata) return err(`metadata: has ${size} characters; the maximum is ${maxMetadata}`);
  return ok({
    ip,
    port,
    weight: weight ?? 1,
    healthy: healthy ?? true,
    enabled: enabled ?? true,
    clusterName: clusterName ?? 'DEFAULT',
    metadata: Object.fromEntries(entries),
  });
}

export const serviceInfo = z
  .object({
    hosts: z.array(z.unknown()).nullish(),
    lastRefTime: z.number().nullish(),
    reachProtectionThreshold: z.boolean().nullish(),
  })
  .transform(
    ({ hosts, lastRefTime, reachProtectionThreshold }): ServiceInfo => ({
      hosts: hosts ?? [],
      lastRefTime: lastRefTime ?? 0,
      reachProtectionThreshold: reachProtectionThreshold ?? false,
    }),
  );

/** `NotifySubscriberRequest`: a service changed. */
export const servicePush = z.object({
  serviceInfo: z.object({ name: z.string(), groupName: z.string().nullish() }).loose(),
  namespace: z.string().nullish(),
});

/** Answer to `ServiceListRequest`: one page of the names of a group. */
export const serviceList = z.object({ count: z.number().default(0), serviceNames: z.array(z.string()).nullish() });

/** `NamingFuzzyWatchSyncRequest`: a part of the services that a pattern matches. */
export const fuzzySync = z.object({
  syncType: z.string(),
  groupKeyPattern: z.string().nullish(),
  contexts: z.array(z.object({ serviceKey: z.string(), changedType: z.string() })).nullish(),
});

/** `NamingFuzzyWatchChangeNotifyRequest`. */
export const fuzzyChange = z.object({ serviceKey: z.string(), changedType: z.string() });
