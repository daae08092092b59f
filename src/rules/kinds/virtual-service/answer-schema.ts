import { z } from 'zod';
import { maxResponseBodyBytes } from '../../../plan/route.ts';
import { oneLine, portNumber } from '../../fields.ts';
import { atMostOneOf, exactlyOneOf } from '../../one-of.ts';

/** A status that a proxy may answer with without an upstream. */
export const statusCode = z.int().min(200, 'must be 200 to 599').max(599, 'must be 200 to 599');

const redirectFields = z.strictObject({
  uri: oneLine.optional().describe('path that replaces the whole path'),
  prefixRewrite: oneLine.optional().describe('path that replaces the matched prefix'),
  authority: oneLine.optional().describe('host that replaces the original'),
  port: portNumber.optional().describe('port that replaces the original'),
  derivePort: z
    .enum(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'])
    .optional()
    .describe('use the port of the scheme, or of the request'),
  scheme: z.enum(['http', 'https']).optional().describe('http or https; the scheme of the request if left out'),
  redirectCode: z
    .literal([301, 302, 303, 307, 308])
    .meta({ type: 'integer' })
    .optional()
    .describe('status of the redirect; 301 if left out'),
});

/** Redirects the client to another URL. */
export const redirect = atMostOneOf(redirectFields, ['port', 'derivePort'])
  .refine((it) => it.uri === undefined || it.prefixRewrite === undefined, {
    error: 'only one of uri and prefixRewrite may be set',
    path: ['prefixRewrite'],
  })
  .refine(
    leadsElsewhere,
    'one of uri, prefixRewrite, authority, port, derivePort and scheme is needed: it would lead to itself',
  );

/** Returns whether a redirect changes the URL, by Istio's definition: any port counts as a change. */
function leadsElsewhere({ uri, prefixRewrite, authority, port, derivePort, scheme }: z.infer<typeof redirectFields>) {
  if (port !== undefined || derivePort !== undefined) return true;
  return [uri, prefixRewrite, authority, scheme].some((text) => text !== undefined && text !== '');
}

const responseBody = exactlyOneOf(
  z.strictObject({
    string: z.string().optional().describe('text'),
    bytes: z.base64().optional().describe('bytes in base64'),
  }),
  ['string', 'bytes'],
).refine(
  ({ string = '', bytes = '' }) =>
    Buffer.byteLength(string) + Buffer.byteLength(bytes, 'base64') <= maxResponseBodyBytes,
  `a body may have ${maxResponseBodyBytes} bytes at most`,
);

/** An answer that the proxy gives without an upstream. */
export const directResponse = z.strictObject({
  status: statusCode.describe('status of the answer'),
  body: responseBody.optional().describe('body of the answer, at most 1 MiB'),
});
