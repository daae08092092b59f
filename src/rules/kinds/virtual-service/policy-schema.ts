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

/** What of a request is changed before it is forwarded. */
export const rewrite = z
  .strictObject({
    uri: oneLine.optional().describe('path to put in place of the matched path or prefix'),
    authority: oneLine.optional().describe('host to put in its place'),
    uriRegexRewrite: z
      .strictObject({
        match: re2Text.describe('expression of RE2 for the part of the path to change'),
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

/** Istio takes an empty text for one that is left out. */
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

/** How often and when a failed request is tried again. */
export const retries = z.strictObject({
  attempts: int32Count.optional().describe('how often to try again; 0 for never'),
  perTryTimeout: positiveDuration.optional().describe('for each try; the timeout of the route if left out'),
  retryOn: retryOn.optional().describe("Envoy's conditions and status codes, with commas"),
  retryRemoteLocalities: orNull(z.boolean()).describe('whether endpoints of other localities are tried'),
  retryIgnorePreviousHosts: orNull(z.boolean()).describe('whether endpoints that failed are avoided; true if left out'),
  backoff: positiveDuration.optional().describe('least pause between tries; 25ms if left out'),
});

/** A copy of requests goes there as well; its answers are dropped. */
export const mirror = z.strictObject({
  destination: destination.describe('where copies go'),
  percentage: percent.optional().describe('share of requests; all if left out'),
});

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const grpcStatuses = [
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
);

const faultDelay = exactlyOneOf(
  z.strictObject({
    fixedDelay: positiveDuration.optional().describe('how long requests are held'),
    exponentialDelay: positiveDuration.optional().describe('not supported by Envoy'),
    percentage: percent.optional().describe('share of requests; none if left out'),
    percent: wholePercent.optional().describe('older form of percentage'),
  }),
  ['fixedDelay', 'exponentialDelay'],
);

/** Failures that are made on purpose, to see how callers bear them. */
export const fault = z
  .strictObject({
    delay: faultDelay.optional().describe('requests are held before they are forwarded'),
    abort: faultAbort.optional().describe('requests are answered with an error instead of being forwarded'),
  })
  .refine((it) => it.delay !== undefined || it.abort !== undefined, 'one of delay and abort is needed');

const method = z.string().regex(/^(\*|[A-Z]+)$/, 'must be a method in capitals, such as GET');

/** What browsers of other origins may do. */
export const corsPolicy = z.strictObject({
  allowOrigin: z.array(oneLine).optional().describe('older form of allowOrigins: whole texts, or *'),
  allowOrigins: z.array(stringMatch).optional().describe('origins that may call'),
  allowMethods: z.array(method).optional().describe('methods they may use'),
  allowHeaders: z.array(oneLine).optional().describe('headers they may send'),
  exposeHeaders: z.array(oneLine).optional().describe('headers of responses they may read'),
  maxAge: duration
    .refine((text) => exactMs(text) % 1000 === 0, 'must be in whole seconds')
    .optional()
    .describe('how long a preflight may be remembered; whole seconds'),
  allowCredentials: orNull(z.boolean()).describe('whether calls may carry credentials'),
  unmatchedPreflights: z
    .enum(['UNSPECIFIED', 'FORWARD', 'IGNORE'])
    .optional()
    .describe('whether preflights of unknown origins are forwarded (default) or answered'),
});
