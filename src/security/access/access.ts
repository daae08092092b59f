import { createHash } from 'node:crypto';
import { type Document, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { fieldPath } from '../../lib/field-path.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Roles } from './roles.ts';

/** Identities and their permissions at the HTTP servers. It holds hashes of tokens, not tokens. */
export interface Access {
  readonly identities: readonly AccessIdentity[];
  /** Roles of unauthenticated callers; null to reject them. */
  readonly anonymous: Roles | null;
  /** True if the text contains plain tokens, which its readers could use. */
  readonly hasPlainTokens: boolean;
}

export interface AccessIdentity {
  readonly name: string;
  /** SHA-256 of each token. */
  readonly tokens: readonly Buffer[];
  /** SPIFFE IDs, which may end in `*`, or `CN=` with a common name. */
  readonly certificates: readonly string[];
  readonly roles: Roles;
}

/** Minimum length; shorter tokens can be guessed. */
const minTokenLength = 20;

/** Maximum length; longer tokens are rejected unread. */
export const maxTokenLength = 4_096;

const hashPattern = /^sha256:[0-9a-f]{64}$/;

/** Schema of a token or its hash. No message repeats the input. */
const token = z
  .string('must be sha256: and 64 hexadecimal digits, or a token')
  .refine((text) => !text.startsWith('sha256:') || hashPattern.test(text), {
    error: 'must be sha256: and 64 hexadecimal digits in lower case',
  })
  .refine((text) => text.length >= minTokenLength && text.length <= maxTokenLength, {
    error: `must have ${minTokenLength} to ${maxTokenLength} characters: others can be guessed, or are not read`,
  })
  .refine((text) => text.startsWith('sha256:') || /^[A-Za-z0-9._~+/-]+=*$/.test(text), {
    error: 'must be letters, digits and -._~+/, as a header carries it',
  });

const certificate = z
  .string()
  .regex(
    /^(spiffe:\/\/[a-z0-9._-]+((\/[A-Za-z0-9._-]+)*(\/\*)?|(\/[A-Za-z0-9._-]+)+\*)|CN=.{1,64})$/,
    'must be a SPIFFE ID, whose path may end in *, or CN=NAME',
  );

const namespaces = z
  .array(
    z.string().regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?|([a-z0-9][-a-z0-9]*)?\*)$/, 'must be a namespace, shop-* or *'),
  )
  .default([]);

const roles = z.strictObject({
  admin: z.boolean().default(false),
  read: z.boolean().default(false),
  discover: z.boolean().default(false),
  writeRules: namespaces,
  register: namespaces,
});

const identity = z.strictObject({
  name: z.string().regex(/^[\w.@:/-]{1,100}$/, 'must be 1 to 100 letters, digits and . _ - @ : /'),
  tokens: z.array(token).default([]),
  certificates: z.array(certificate).default([]),
  roles,
});

const schema = z
  .strictObject({ identities: z.array(identity).default([]), anonymous: roles.optional() })
  .superRefine(({ identities }, context) => {
    const seen = new Map<string, string>();
    for (const [index, { name, tokens, certificates }] of identities.entries()) {
      const keys = [
        { path: ['name'], key: `name ${name}` },
        ...tokens.map((text, at) => ({ path: ['tokens', at], key: `token ${hashOf(text).toString('hex')}` })),
        ...certificates.map((text, at) => ({ path: ['certificates', at], key: `certificate ${text}` })),
      ];
      for (const { path, key } of keys) {
        const owner = seen.get(key);
        if (owner !== undefined) {
          context.addIssue({
            code: 'custom',
            path: ['identities', index, ...path],
            message: `is used by ${owner} as well`,
          });
        }
        seen.set(key, name);
      }
    }
  });

/** Parses an access file. The error names each wrong key and repeats no token. */
export function parseAccess(text: string): Result<Access, string> {
  if (text.trim() === '') return err('it is empty: to let nobody in, write "identities: []"'); // or being written
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) {
    const [at] = error.linePos ?? [];
    return err(`it is not YAML: ${error.code} at line ${at?.line}, column ${at?.col}`); // its message repeats the text
  }
  if (hasAlias(document)) return err('it has YAML aliases, which are not for access files');
  const parsed = schema.safeParse(document.toJS() ?? {});
  if (!parsed.success) return err(parsed.error.issues.map(describe).join('; '));
  const { identities, anonymous = null } = parsed.data;
  return ok({
    identities: identities.map((one) => ({ ...one, tokens: one.tokens.map(hashOf) })),
    anonymous,
    hasPlainTokens: identities.some(({ tokens }) => tokens.some((one) => !hashPattern.test(one))),
  });
}

function hasAlias(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

function describe({ path, ...issue }: z.core.$ZodIssue): string {
  const where = fieldPath('', path);
  if (issue.code === 'unrecognized_keys') {
    // Keys are not repeated either: one may be a misplaced token.
    return `${where === '' ? '' : `${where}: `}has ${issue.keys.length === 1 ? 'a key' : 'keys'} that it does not know`;
  }
  return where === '' ? issue.message : `${where}: ${issue.message}`;
}

const hashOf = (text: string): Buffer =>
  hashPattern.test(text) ? Buffer.from(text.slice('sha256:'.length), 'hex') : sha256(text);

export const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
