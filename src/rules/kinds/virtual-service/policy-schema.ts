import { z } from 'zod';
import { exactMs } from '../../duration.ts';
import {
  duration,
  int32Count,
  oneLine,
  orNull,
  percent,
  positiveDuration,
  stringMatch,
  wholePercent,
} from '../../fields.ts';
import { exactlyOneOf } from '../../one-of.ts';
import { re2Text } from '../../re2/re2-text.ts';
import { statusCode } from './answer-schema.ts';
import { destination } from './destination-schema.ts';

/** Changes to a request before it is forwarded. */
export const rewrite = z
  .strictObject({
    uri: oneLine.optional().describe('path that replaces the matched path or prefix'),
    authority: oneLine.optional().describe('host that replaces the original'),
    uriRegexRewrite: z
      .strictObject({
        match: re2Text.describe('RE2 expression for the part of the path to change'),
        rewrite: oneLine.describe(String.raw`what to put there; \1 is the first group`),
      })
      .optional()
      .describe('change of the path by an expression'),
  })
  .refine((it) => !isText(it.uri) || it.uriRegexRewrite === undefined, 'only one of uri and uriRegexRewrite')
  .refine(
    (it) => isText(it.uri) || isText(it.authority) || it.uriRegexRewrite !== undefined,
    'one of uri, authority and uriRegexRewrite is needed',
  );

/** Istio treats an empty text like an absent one. */
const isText = (text: string | undefined): boolean => text !== undefined && text !== '';

const retryConditions = [
  ...['5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'envoy-ratelimited'],
  ...['refused-stream', 'retriable-4xx', 'retriable-headers', 'retriable-status-codes', 'http3-post-connect-failure'],
  ...['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'],
];

const retryOn = z.string().superRefine((text, context) => {
  for (const part of text.split(',').map((it) => it.trim())) {
    if (part === '' || /^[1-5]\d\d$/.test(part) || retryConditions.includes(part)) continue;
    const message = `"${part}" is no condition of Envoy; known are ${retryConditions.join(', ')} and status codes`;
    context.addIssue({ code: 'custom', message });
  }
});

/** Number and conditions of retries. */
export const retries = z.strictObject({
  attempts: int32Count.optional().describe('maximum number of retries; 0 for none'),
  perTryTimeout: positiveDuration.optional().describe('timeout of each try; the timeout of the route if left out'),
  retryOn: retryOn.optional().describe("Envoy's conditions and status codes, separated by commas"),
  retryRemoteLocalities: orNull(z.boolean()).describe('whether retries may use endpoints of other localities'),
  retryIgnorePreviousHosts: orNull(z.boolean()).describe(
    'whether retries avoid endpoints that failed; true if left out',
  ),
  backoff: positiveDuration.optional().describe('minimum pause between tries; 25ms if left out'),
});

/** Destination of copied requests. Its answers are dropped. */
export const mirror = z.strictObject({
  destination: destination.describe('destination of the copies'),
  percentage: percent.optional().describe('share of requests; all if left out'),
});

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const grpcStatuses = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

const faultAbort = exactlyOneOf(
  z.strictObject({
    httpStatus: statusCode.optional().describe('HTTP status to answer with'),
    grpcStatus: z
      .string()
      .refine((text) => grpcStatuses.includes(text), `must be one of ${grpcStatuses.join(', ')}`)
      .optional()
      .describe('gRPC status to answer with, by name'),
    http2Error: z.string().optional().describe('not supported by Envoy'),
    percentage: percent.optional().describe('share of requests; none if left out'),
  }),
  ['httpStatus', 'grpcStatus', 'http2Error'],
).refine((it) => it.http2Error === undefined, {
  error: 'is not supported by Envoy: use httpStatus or grpcStatus',
  path: ['http2Error'],
});

const faultDelay = exactlyOneOf(
  z.strictObject({
    fixedDelay: positiveDuration.optional().describe('duration of the delay'),
    exponentialDelay: positiveDuration.optional().describe('not supported by Envoy'),
    percentage: percent.optional().describe('share of requests; none if left out'),
    percent: wholePercent.optional().describe('older form of percentage'),
  }),
  ['fixedDelay', 'exponentialDelay'],
).refine((it) => it.exponentialDelay === undefined, {
  error: 'is not supported by Envoy: use fixedDelay',
  path: ['exponentialDelay'],
});

/** Injected failures, to test callers. */
export const fault = z
  .strictObject({
    delay: faultDelay.optional().describe('delays requests before they are forwarded'),
    abort: faultAbort.optional().describe('answers requests with an error in place of forwarding'),
  })
  .refine((it) => it.delay !== undefined || it.abort !== undefined, 'one of delay and abort is needed');

/** An empty text would match every origin. */
const origin = stringMatch.refine(
  ({ exact, prefix, regex }) => [exact, prefix, regex].some((text) => text !== undefined && text !== ''),
  'one of exact, prefix and regex is needed; exact: "*" means every origin',
);

const method = z.string().regex(/^(\*|[A-Z]+)$/, 'must be a method in capitals, such as GET');

/** Permissions for browsers of other origins. */
export const corsPolicy = z.strictObject({
  allowOrigin: z.array(oneLine).optional().describe('older form of allowOrigins: whole texts, or *'),
  allowOrigins: z.array(origin).optional().describe('allowed origins'),
  allowMethods: z.array(method).optional().describe('allowed methods'),
  allowHeaders: z.array(oneLine).optional().describe('allowed request headers'),
  exposeHeaders: z.array(oneLine).optional().describe('response headers that browsers may expose'),
  maxAge: duration
    .refine((text) => exactMs(text) % 1000 === 0, 'must be in whole seconds')
    .optional()
    .describe('maximum age of a cached preflight; whole seconds'),
  allowCredentials: orNull(z.boolean()).describe('whether requests may carry credentials'),
  unmatchedPreflights: z
    .enum(['UNSPECIFIED', 'FORWARD', 'IGNORE'])
    .optional()
    .describe('whether preflights of unknown origins are forwarded (default) or answered'),
});
