import { z } from 'zod';
import { duration, oneLine, orNull, positiveDuration } from '../../fields.ts';
import { atMostOneOf, exactlyOneOf } from '../../one-of.ts';
import { localityLbSetting, zoneAwareLbSetting } from './locality-schema.ts';

/** Envoy rejects a cluster with a larger ring. */
const maxRingSize = 8_388_608;
const maxTableSize = 5_000_011;

const httpCookie = z.strictObject({
  name: oneLine.min(1).describe('name of the cookie'),
  path: oneLine.optional().describe('path of the cookie'),
  ttl: duration.optional().describe('lifetime of a cookie that the proxy creates; 0s for a session'),
  attributes: z
    .array(
      z.strictObject({
        name: oneLine.min(1).describe('name of the attribute'),
        value: oneLine.optional().describe('its value'),
      }),
    )
    .optional()
    .describe('additional attributes of a cookie that the proxy creates'),
});

const ringSize = z.int().min(0).max(maxRingSize, `must be at most ${maxRingSize}`);

const tableSize = z
  .int()
  .min(0)
  .max(maxTableSize, `must be at most ${maxTableSize}`)
  .refine(isPrime, 'must be a prime number such as 65537');

const hashKeys = ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'] as const;

const consistentHash = atMostOneOf(
  exactlyOneOf(
    z.strictObject({
      httpHeaderName: oneLine.min(1).optional().describe('by a header'),
      httpCookie: httpCookie.optional().describe('by a cookie, which the proxy creates if the request has none'),
      useSourceIp: z.boolean().optional().describe("by the caller's address"),
      httpQueryParameterName: z.string().min(1).optional().describe('by a query parameter'),
      ringHash: z
        .strictObject({ minimumRingSize: ringSize.optional().describe('minimum size of the ring; 1024 if left out') })
        .optional()
        .describe('hash ring (the default)'),
      maglev: z
        .strictObject({ tableSize: tableSize.optional().describe('size of the table, a prime; 65537 if left out') })
        .optional()
        .describe('Maglev table'),
      minimumRingSize: ringSize.optional().describe('older form of ringHash.minimumRingSize'),
    }),
    hashKeys,
  ),
  ['ringHash', 'maglev'],
).refine((it) => !it.minimumRingSize || (it.ringHash === undefined && it.maglev === undefined), {
  error: 'is an older form: only one of it, ringHash and maglev may be set',
  path: ['minimumRingSize'],
});

const warmup = z.strictObject({
  duration: positiveDuration.describe('duration of the warm-up of a new endpoint'),
  minimumPercent: orNull(z.number().min(0).max(100)).describe('initial share of its weight in percent; 10 if left out'),
  aggression: orNull(z.number().min(1, 'must be 1 or more')).describe('speed of the increase; 1 (linear) if left out'),
});

/** Choice of an endpoint for each request. */
export const loadBalancer = atMostOneOf(
  z.strictObject({
    simple: z
      .enum(['UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'])
      .optional()
      .describe('an algorithm; LEAST_REQUEST if left out'),
    consistentHash: consistentHash.optional().describe('requests with equal keys go to the same endpoint'),
    localityLbSetting: localityLbSetting.optional().describe('which localities are preferred'),
    zoneAwareLbSetting: zoneAwareLbSetting
      .optional()
      .describe("keeps requests in the caller's zone while its endpoints have capacity"),
    warmupDurationSecs: positiveDuration.optional().describe('older form of warmup.duration'),
    warmup: warmup.optional().describe('new endpoints receive an increasing share of requests'),
  }),
  ['simple', 'consistentHash'],
)
  .refine((it) => it.localityLbSetting === undefined || it.zoneAwareLbSetting === undefined, {
    error: 'only one of localityLbSetting and zoneAwareLbSetting may be set',
    path: ['zoneAwareLbSetting'],
  })
  .refine((it) => it.warmupDurationSecs === undefined || it.warmup === undefined, {
    error: 'only one of warmupDurationSecs and warmup may be set',
    path: ['warmupDurationSecs'],
  });

export type LoadBalancerSpec = z.infer<typeof loadBalancer>;

function isPrime(size: number): boolean {
  if (size < 2 || (size % 2 === 0 && size !== 2)) return false;
  for (let factor = 3; factor * factor <= size; factor += 2) if (size % factor === 0) return false;
  return true;
}
