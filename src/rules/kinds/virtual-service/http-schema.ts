import { z } from 'zod';
import { maxResponseBodyBytes } from '../../../plan/route.ts';
import { countSet, duration, labels, portNumber, positiveDuration, stringMatch } from '../../fields.ts';
import { re2Text } from '../../re2.ts';
import { destination, weight } from './destination-schema.ts';

const percent = z.strictObject({ value: z.number().min(0).max(100).optional() });
const statusCode = z.int().min(200).max(599);

/** Envoy refuses the whole route configuration for a change of one of the others. */
const changeableHeader = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'a header name; pseudo-headers such as :path cannot be changed')
  .refine((name) => name.toLowerCase() !== 'host', 'the host is changed by rewrite.authority');
const headerOperations = z.strictObject({
  set: z.record(changeableHeader, z.string()).optional(),
  add: z.record(changeableHeader, z.string()).optional(),
  remove: z.array(changeableHeader).optional(),
});
const headers = z.strictObject({ request: headerOperations.optional(), response: headerOperations.optional() });

const match = z.strictObject({
  name: z.string().optional(),
  uri: stringMatch.optional(),
  scheme: stringMatch.optional(),
  method: stringMatch.optional(),
  authority: stringMatch.optional(),
  headers: z.record(z.string().min(1), stringMatch).optional(),
  withoutHeaders: z.record(z.string().min(1), stringMatch).optional(),
  queryParams: z.record(z.string().min(1), stringMatch).optional(),
  ignoreUriCase: z.boolean().optional(),
  port: portNumber.optional(),
  sourceLabels: labels.optional(),
  gateways: z.array(z.string().min(1)).optional(),
  sourceNamespace: z.string().optional(),
  statPrefix: z.string().optional(),
});

const weightedDestination = z.strictObject({
  destination,
  weight: weight.optional(),
  headers: headers.optional(),
});

const redirect = z
  .strictObject({
    uri: z.string().optional(),
    authority: z.string().optional(),
    port: portNumber.optional(),
    derivePort: z.enum(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']).optional(),
    scheme: z.enum(['http', 'https']).optional(),
    redirectCode: z.union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)]).optional(),
  })
  .refine((it) => it.port === undefined || it.derivePort === undefined, 'only one of port and derivePort may be set');

const directResponse = z.strictObject({
  status: statusCode,
  body: z
    .strictObject({ string: z.string().optional(), bytes: z.base64().optional() })
    .refine((body) => countSet(body) === 1, 'exactly one of string and bytes must be set')
    .refine(
      ({ string = '', bytes = '' }) =>
        Buffer.byteLength(string) + Buffer.byteLength(bytes, 'base64') <= maxResponseBodyBytes,
      `a body may have ${maxResponseBodyBytes} bytes at most`,
    )
    .optional(),
});

const rewrite = z
  .strictObject({
    uri: z.string().optional(),
    authority: z.string().optional(),
    uriRegexRewrite: z.strictObject({ match: re2Text, rewrite: z.string() }).optional(),
  })
  .refine((it) => it.uri === undefined || it.uriRegexRewrite === undefined, 'only one of uri and uriRegexRewrite')
  .refine((it) => countSet(it) > 0, 'one of uri, authority and uriRegexRewrite is needed');

const retries = z.strictObject({
  attempts: z.int().min(0).max(2_147_483_647).optional(),
  perTryTimeout: positiveDuration.optional(),
  retryOn: z.string().optional(),
  retryRemoteLocalities: z.boolean().optional(),
  retryIgnorePreviousHosts: z.boolean().optional(),
  backoff: positiveDuration.optional(),
});

const mirror = z.strictObject({ destination, percentage: percent.optional() });

const faultAbort = z
  .strictObject({
    httpStatus: statusCode.optional(),
    grpcStatus: z.string().optional(),
    http2Error: z.string().optional(),
    percentage: percent.optional(),
  })
  .refine(
    (it) => countSet({ ...it, percentage: undefined }) === 1,
    'exactly one of httpStatus, grpcStatus, http2Error',
  );

const faultDelay = z
  .strictObject({
    fixedDelay: duration.optional(),
    exponentialDelay: duration.optional(),
    percentage: percent.optional(),
    percent: z.int().min(0).max(100).optional(),
  })
  .refine(
    (it) => countSet({ fixed: it.fixedDelay, exponential: it.exponentialDelay }) === 1,
    'exactly one of fixedDelay and exponentialDelay must be set',
  );

const corsPolicy = z.strictObject({
  allowOrigin: z.array(z.string()).optional(),
  allowOrigins: z.array(stringMatch).optional(),
  allowMethods: z.array(z.string()).optional(),
  allowHeaders: z.array(z.string()).optional(),
  exposeHeaders: z.array(z.string()).optional(),
  maxAge: duration.optional(),
  allowCredentials: z.boolean().optional(),
  unmatchedPreflights: z.enum(['UNSPECIFIED', 'FORWARD', 'IGNORE']).optional(),
});

/** One HTTP route: conditions, and exactly one of route, redirect, directResponse and delegate. */
export const httpRoute = z
  .strictObject({
    name: z.string().optional(),
    match: z.array(match).optional(),
    route: z.array(weightedDestination).min(1).optional(),
    redirect: redirect.optional(),
    directResponse: directResponse.optional(),
    delegate: z.strictObject({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
    rewrite: rewrite.optional(),
    timeout: duration.optional(),
    retries: retries.optional(),
    fault: z.strictObject({ delay: faultDelay.optional(), abort: faultAbort.optional() }).optional(),
    mirror: destination.optional(),
    mirrors: z.array(mirror).optional(),
    mirrorPercent: z.int().min(0).max(100).optional(),
    mirrorPercentage: percent.optional(),
    corsPolicy: corsPolicy.optional(),
    headers: headers.optional(),
  })
  .superRefine((it, context) => {
    const actions = countSet({ a: it.route, b: it.redirect, c: it.directResponse, d: it.delegate });
    if (actions !== 1) {
      const message = 'exactly one of route, redirect, directResponse and delegate must be set';
      context.addIssue({ code: 'custom', path: actions === 0 ? ['route'] : [], message });
    }
    if (it.rewrite !== undefined && (it.redirect !== undefined || it.directResponse !== undefined)) {
      context.addIssue({ code: 'custom', path: ['rewrite'], message: 'only a route or a delegate may rewrite' });
    }
    if (it.mirror !== undefined && it.mirrors !== undefined) {
      context.addIssue({ code: 'custom', path: ['mirrors'], message: 'only one of mirror and mirrors may be set' });
    }
  });

export type HttpRouteSpec = z.infer<typeof httpRoute>;
export type HttpMatchSpec = z.infer<typeof match>;
export type HeadersSpec = z.infer<typeof headers>;
