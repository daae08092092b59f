import { z } from 'zod';
import { gatewayName, labels, oneLine, portNumber, stringMatch } from '../../fields.ts';

const headerName = oneLine.min(1);

const parameterName = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= 1_024, 'must be 1024 bytes at most');

/** Conditions on the caller, decided before any request is read. HTTP, TLS and TCP routes share them. */
export const sourceConditions = {
  port: portNumber.optional().describe('port of the called service'),
  sourceLabels: labels.optional().describe('labels that the calling workload must have'),
  gateways: z.array(gatewayName).optional().describe('gateways of this match, in place of those of the whole rule'),
  sourceNamespace: z.string().optional().describe('namespace of the calling workload'),
};

/** One set of conditions on an HTTP request; all must hold. */
export const httpMatch = z.strictObject({
  name: z.string().optional().describe('suffix for the name of the route, for logs and statistics'),
  uri: stringMatch.optional().describe('path of the request'),
  scheme: stringMatch.optional().describe('http or https'),
  method: stringMatch.optional().describe('method of the request'),
  authority: stringMatch.optional().describe('host of the request'),
  headers: z.record(headerName, stringMatch).optional().describe('headers in lower case; {} requires presence'),
  withoutHeaders: z.record(headerName, stringMatch).optional().describe('headers that must not match'),
  queryParams: z.record(parameterName, stringMatch).optional().describe('query parameters, by name'),
  ignoreUriCase: z.boolean().optional().describe('compare the path without regard to case (not with regex)'),
  statPrefix: z.string().optional().describe('prefix of statistics for these requests'),
  ...sourceConditions,
});

export type HttpMatchSpec = z.infer<typeof httpMatch>;

/** A condition with a regular expression, and its place in a match: `headers.x-id`. */
export interface RegexCondition {
  readonly path: readonly string[];
  readonly regex: string;
}

export function regexConditions(match: HttpMatchSpec): readonly RegexCondition[] {
  const { uri, scheme, method, authority, headers, withoutHeaders, queryParams } = match;
  const single = Object.entries({ uri, scheme, method, authority }).map(([name, it]) => ({ path: [name], it }));
  const named = Object.entries({ headers, withoutHeaders, queryParams }).flatMap(([field, map]) =>
    Object.entries(map ?? {}).map(([name, it]) => ({ path: [field, name], it })),
  );
  return [...single, ...named].flatMap(({ path, it }) => (it?.regex === undefined ? [] : [{ path, regex: it.regex }]));
}
