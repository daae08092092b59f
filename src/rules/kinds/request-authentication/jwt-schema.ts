import { z } from 'zod';
import { countSet, positiveDuration } from '../../fields.ts';

const nonEmpty = z.string().min(1, { error: 'must not be empty', abort: true });

/** Of a header's name: RFC 9110, 5.6.2. */
const headerCharacters = /^[!#$%&'*+.^_`|~0-9A-Za-z-]*$/;

const keySetAddress = z
  .string()
  .min(1)
  .max(2_048)
  .refine((text) => /^https?:\/\//i.test(text) && URL.canParse(text), 'must be an address with http:// or https://');

const keySet = z
  .string()
  .refine(
    (text) => text === '' || isKeySet(text),
    'must be a JSON Web Key Set: an object with a list "keys", each key with its "kty"',
  );

/** One issuer's tokens: where their keys are, where they stand in a request, what is passed on of them. */
export const jwtRule = z
  .strictObject({
    issuer: nonEmpty.optional().describe('who made the token: its claim iss'),
    audiences: z
      .array(nonEmpty)
      .optional()
      .describe('claim aud that a token must have, any of them; any at all if left out'),
    jwksUri: keySetAddress.optional().describe("where the issuer's public keys are"),
    jwks_uri: keySetAddress.optional().describe('another spelling of jwksUri'),
    jwks: keySet.optional().describe("the issuer's public keys, as JSON"),
    fromHeaders: z
      .array(
        z.strictObject({
          name: nonEmpty.regex(headerCharacters, 'must be a header name').describe('name of the header'),
          prefix: z.string().optional().describe('text before the token that is cut off: "Bearer "'),
        }),
      )
      .optional()
      .describe('headers that the token may be in; Authorization if no place is named'),
    fromParams: z.array(nonEmpty).optional().describe('query parameters that the token may be in'),
    fromCookies: z.array(nonEmpty).optional().describe('cookies that the token may be in'),
    outputPayloadToHeader: z
      .string()
      .regex(headerCharacters, 'must be a header name')
      .optional()
      .describe('header that carries the payload of a valid token on, in base64url'),
    outputClaimToHeaders: z
      .array(
        z.strictObject({
          header: nonEmpty
            .regex(/^[-_A-Za-z0-9]+$/, 'must be a header name of letters, digits, "-" and "_"')
            .describe('header that is made'),
          claim: nonEmpty.describe('claim whose value it has; nested ones with dots'),
        }),
      )
      .optional()
      .describe('headers that carry single claims of a valid token on'),
    forwardOriginalToken: z
      .boolean()
      .optional()
      .describe('whether the workload sees the token as it came; no if left out'),
    timeout: positiveDuration.optional().describe('how long fetching the keys may take; 5s if left out'),
    spaceDelimitedClaims: z
      .array(nonEmpty)
      .max(64, 'must be at most 64 claims')
      .optional()
      .describe('claims that hold several values with spaces between, such as scope'),
  })
  .superRefine((rule, context) => {
    const { issuer, jwksUri, jwks_uri, jwks } = rule;
    if (countSet({ jwksUri, jwks_uri, jwks }) > 1) {
      context.addIssue({ code: 'custom', message: 'only one of jwksUri (or jwks_uri) and jwks may be set' });
    }
    if (issuer === undefined && jwksUri === undefined && jwks_uri === undefined) {
      context.addIssue({ code: 'custom', path: ['issuer'], message: 'is required, unless jwksUri is set' });
    }
  });

/** What a proxy takes as keys: https://www.rfc-editor.org/rfc/rfc7517#section-5 */
function isKeySet(text: string): boolean {
  try {
    return keySetShape.safeParse(JSON.parse(text)).success;
  } catch {
    return false; // no JSON
  }
}

const keySetShape = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string().min(1) })).min(1) });
