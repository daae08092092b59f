import { z } from 'zod';
import { maxResponseBodyBytes } from '../../../plan/route.ts';
import { oneLine, portNumber } from '../../fields.ts';
import { atMostOneOf, exactlyOneOf } from '../../one-of.ts';

/** A status that a proxy may answer with by itself. */
export const statusCode = z.int().min(200, 'must be 200 to 599').max(599, 'must be 200 to 599');

const redirectFields = z.strictObject({
  uri: oneLine.optional().describe('path to put in place of the whole path'),
  prefixRewrite: oneLine.optional().describe('path to put in place of the prefix that was matched'),
  authority: oneLine.optional().describe('host to put in its place'),
  port: portNumber.optional().describe('port to put in its place'),
  derivePort: z
    .enum(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'])
    .optional()
    .describe('take the port from the scheme, or from the request'),
  scheme: z.enum(['http', 'https']).optional().describe('http or https; as asked if left out'),
  redirectCode: z
    .literal([301, 302, 303, 307, 308])
    .meta({ type: 'integer' })
    .optional()
    .describe('status of the redirect; 301 if left out'),
});

/** The client is told to ask elsewhere. */
export const redirect = atMostOneOf(redirectFields, ['port', 'derivePort'])
  .refine((it) => it.uri === undefined || it.prefixRewrite === undefined, {
    error: 'only one of uri and prefixRewrite may be set',
    path: ['prefixRewrite'],
  })
  .refine(
    leadsElsewhere,
    'one of uri, prefixRewrite, authority, port, derivePort and scheme is needed: it would lead to itself',
  );

/** As Istio has it; a port that is the request's own changes nothing either. */
function leadsElsewhere({ uri, prefixRewrite, authority, port, derivePort, scheme }: z.infer<typeof redirectFields>) {
  if (port !== undefined || derivePort === 'FROM_PROTOCOL_DEFAULT') return true;
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

/** The proxy answers by itself. */
export const directResponse = z.strictObject({
  status: statusCode.describe('status of the answer'),
  body: responseBody.optional().describe('body of the answer, 1 MiB at most'),
});
