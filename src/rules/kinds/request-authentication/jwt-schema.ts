import { z } from 'zod';
import { countSet, positiveDuration } from '../../fields.ts';

const nonEmpty = z.string().min(1, { error: 'must not be empty', abort: true });

/** Characters of a header's name: RFC 9110, 5.6.2. */
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

/** Tokens of one issuer: the source of its keys, the places of tokens in a request, and the forwarded parts. */
export const jwtRule = z
  .strictObject({
    issuer: nonEmpty.optional().describe('issuer of the token: its claim iss'),
    audiences: z.array(nonEmpty).optional().describe('accepted values of the claim aud; any if left out'),
    jwksUri: keySetAddress.optional().describe("URL of the issuer's public keys"),
    jwks_uri: keySetAddress.optional().describe('another spelling of jwksUri'),
    jwks: keySet.optional().describe("the issuer's public keys, as JSON"),
    fromHeaders: z
      .array(
        z.strictObject({
          name: nonEmpty.regex(headerCharacters, 'must be a header name').describe('name of the header'),
          prefix: z.string().optional().describe('\'prefix before the token, which is removed: "Bearer "\''),
        }),
      )
      .optional()
      .describe('headers that may contain the token; Authorization if no place is named'),
    fromParams: z.array(nonEmpty).optional().describe('query parameters that may contain the token'),
    fromCookies: z.array(nonEmpty).optional().describe('cookies that may contain the token'),
    outputPayloadToHeader: z
      .string()
      .regex(headerCharacters, 'must be a header name')
      .optional()
      .describe('header that forwards the payload of a valid token, in base64url'),
    outputClaimToHeaders: z
      .array(
        z.strictObject({
          header: nonEmpty
            .regex(/^[-_A-Za-z0-9]+$/, 'must be a header name of letters, digits, "-" and "_"')
            .describe('header to set'),
          claim: nonEmpty.describe('claim that supplies the value; nested ones with dots'),
        }),
      )
      .optional()
      .describe('headers that forward single claims of a valid token'),
    forwardOriginalToken: z
      .boolean()
      .optional()
      .describe('whether the original token is forwarded to the workload; no if left out'),
    timeout: positiveDuration.optional().describe('timeout for fetching the keys; 5s if left out'),
    spaceDelimitedClaims: z
      .array(nonEmpty)
      .max(64, 'must be at most 64 claims')
      .optional()
      .describe('claims that hold several values separated by spaces, such as scope'),
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

/** Returns whether a proxy accepts the text as keys: https://www.rfc-editor.org/rfc/rfc7517#section-5 */
function isKeySet(text: string): boolean {
  try {
    return keySetShape.safeParse(JSON.parse(text)).success;
  } catch {
    return false; // not JSON
  }
}

const keySetShape = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string().min(1) })).min(1) });
