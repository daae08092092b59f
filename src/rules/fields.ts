import { z } from 'zod';
import { canonicalIp, ipVersion } from '../lib/ip.ts';
import { exactMs } from './duration.ts';
import { atMostOneOf } from './one-of.ts';
import { re2Text } from './re2/re2-text.ts';

/*
 * Field types that several networking kinds share, as the published API defines them (proto JSON: durations and 64-bit
 * numbers as text, enums by name). No type has a default: an absent field stays absent.
 */

/** Longest duration in whole seconds whose nanoseconds fit 64 bits (292 years), the limit of Go and Envoy. */
const maxDurationMs = 9_223_372_035_000;

/** `10s`, `1.5h`, `1h30m`, `250ms`, in the syntax of Go. Allows 0, which means for example "none". */
export const duration = z
  .string()
  .regex(/^(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/, {
    error: 'a duration such as 10s or 250ms',
    abort: true,
  })
  .refine((text) => exactMs(text) === 0 || exactMs(text) >= 1, 'must be 0s, or 1ms or more')
  .refine((text) => exactMs(text) <= maxDurationMs, 'must be 292 years at most');

/** A duration that must not be 0: Envoy and the published API reject it. */
export const positiveDuration = duration.refine((text) => exactMs(text) > 0, 'must be 1ms or more');

/** A number that Envoy stores in 32 bits. */
export const uint32 = z.int().min(0).max(4_294_967_295);

/** A count of at least 0 that the published API stores in 32 bits with a sign. */
export const int32Count = z.int().min(0).max(2_147_483_647);

/** A TCP or UDP port. */
export const portNumber = z.int().min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535');

/** A whole percentage, 0 to 100. */
export const wholePercent = z.int().min(0, 'must be 0 to 100').max(100, 'must be 0 to 100');

/** A share of requests in percent, 0 to 100, with fractions. */
export const percent = z.strictObject({
  value: z.number().min(0, 'must be 0 to 100').max(100, 'must be 0 to 100').optional().describe('0.0 to 100.0'),
});

/** Allows null, which the published API treats like an absent field. */
export const orNull = <Type extends z.ZodType>(type: Type) =>
  type
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();

/** Labels by name. A selector requires all of them. */
export const labels = z.record(z.string(), z.string());

const selectorValue = z
  .string()
  .max(63, 'must be at most 63 characters')
  .refine((text) => !text.includes('*'), 'wildcards are not supported in a selector');

/** The labels of a selector, at most `limit`. */
export const selectorLabels = (limit: number) =>
  z
    .record(
      z
        .string()
        .min(1, 'a label needs a name')
        .refine((key) => !key.includes('*'), 'wildcards are not supported in a selector'),
      selectorValue,
    )
    .refine((value) => Object.keys(value).length <= limit, `must have at most ${limit} labels`)
    .meta({ maxProperties: limit });

/** Returns whether a text has no NUL, CR or LF. Envoy rejects these in headers and paths. */
export const isOneLine = (text: string): boolean => !/[\0\r\n]/.test(text);

/** Text that Envoy writes into a header or a path. */
export const oneLine = z.string().refine(isOneLine, 'must be one line');

/** A text match: exactly one of the three. An empty object means "present". */
export const stringMatch = atMostOneOf(
  z.strictObject({
    exact: z.string().optional().describe('the whole text'),
    prefix: z.string().optional().describe('start of the text'),
    regex: re2Text.optional().describe('RE2 expression that matches the whole text'),
  }),
  ['exact', 'prefix', 'regex'],
);

export type StringMatch = z.infer<typeof stringMatch>;

/** Namespaces that may use an object: `*`, `.`, `~` or names. */
export const exportTo = z.array(
  z
    .string()
    .min(1)
    .regex(/^([*.~]|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$/, 'must be *, . (the own namespace), ~ (none) or a namespace'),
);

/** A host in a rule: a name, a short name, an IP address, or a wildcard in the first label. */
export const host = z
  .string()
  .min(1)
  .regex(/^(\*|(\*\.)?[^*\s/]+)$/, 'a hostname; a wildcard may only be its whole first label')
  .refine((text) => !/\p{Cc}/u.test(text), 'a hostname has no control characters')
  .refine((text) => !text.includes(':') || ipVersion(withoutBrackets(text)) === 6, 'must be a host without a port');

/** Returns `::1` for `[::1]`, and any other text unchanged. */
const withoutBrackets = (text: string): string =>
  text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;

/** Gateways that a rule applies to: `name` or `namespace/name`. `mesh` means all sidecars. */
export const gatewayName = z.string().regex(/^([^/\s~]+\/)?[^/\s~]+$/, 'must be mesh, a gateway, or namespace/gateway');

/** Counts the fields of an object that are set. */
export const countSet = (object: object): number => Object.values(object).filter((value) => value !== undefined).length;

/**
 * Returns the fully qualified form of a host in a rule. A name without a dot is a service in the rule's namespace. An
 * IPv6 address gets brackets, as in clients' requests.
 */
export function qualifiedHost(text: string, namespace: string, domainSuffix: string): string {
  const host = text.toLowerCase();
  const address = withoutBrackets(host);
  if (ipVersion(address) === 6) return `[${canonicalIp(address)}]`;
  return host.includes('.') || host.startsWith('*') ? host : `${host}.${namespace}.svc.${domainSuffix}`;
}
