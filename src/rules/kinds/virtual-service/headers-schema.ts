import { z } from 'zod';
import { isOneLine } from '../../fields.ts';
import { wrongSubstitution } from '../../substitution/wrong-substitution.ts';

/**
 * Characters of a header's name. Envoy rejects the whole route configuration when it changes a header with an invalid
 * name.
 */
const name = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const isHost = (text: string): boolean => text.toLowerCase() === 'host';

const headerName = z.string().max(16_384, 'must be 16384 bytes at most');

const changeableHeader = headerName
  .regex(name, 'a header name; pseudo-headers such as :path cannot be changed')
  .refine((text) => !isHost(text), 'the host is changed by rewrite.authority');

/** Headers that a request change may set: these include the host. */
const settableHeader = headerName.refine(
  (text) => text === ':authority' || name.test(text),
  'a header name; of the pseudo-headers only :authority can be changed',
);

/**
 * A header value that Envoy accepts, including its commands:
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/advanced/substitution_formatter
 */
const headerValue = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= 16_384, 'must be 16384 bytes at most')
  .refine(isOneLine, 'must be one line')
  .superRefine((text, context) => {
    const message = wrongSubstitution(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

const about = {
  set: 'headers to overwrite, by name',
  add: 'headers to append to, by name',
  remove: 'headers to take away',
};

/** Envoy rejects the whole route configuration when it changes more headers. */
const maxHeaders = 1_000;

const hasRoom = ({ set = {}, add = {} }: Additions): boolean =>
  Object.keys(set).length + Object.keys(add).length <= maxHeaders;

interface Additions {
  readonly set?: Readonly<Record<string, string>> | undefined;
  readonly add?: Readonly<Record<string, string>> | undefined;
}

const requestOperations = z
  .strictObject({
    set: z.record(settableHeader, headerValue).optional().describe(about.set),
    add: z.record(settableHeader, headerValue).optional().describe(about.add),
    remove: z.array(changeableHeader).optional().describe(about.remove),
  })
  .refine(hasRoom, `set and add may have ${maxHeaders} headers at most together`);

const responseOperations = z
  .strictObject({
    set: z.record(changeableHeader, headerValue).optional().describe(about.set),
    add: z.record(changeableHeader, headerValue).optional().describe(about.add),
    remove: z.array(changeableHeader).optional().describe(about.remove),
  })
  .refine(hasRoom, `set and add may have ${maxHeaders} headers at most together`);

/** Changes of headers in requests and responses. */
export const headers = z.strictObject({
  request: requestOperations.optional().describe('changes before a request is forwarded'),
  response: responseOperations.optional().describe('changes before a response is returned'),
});

export type HeadersSpec = z.infer<typeof headers>;

/** Returns whether a request header is the host, under either of its names. */
export const isAuthority = (header: string): boolean => header === ':authority' || isHost(header);
