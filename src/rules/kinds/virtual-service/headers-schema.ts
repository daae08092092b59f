import { z } from 'zod';
import { isOneLine } from '../../fields.ts';
import { wrongSubstitution } from '../../substitution/wrong-substitution.ts';

/** Envoy refuses the whole route configuration for a change of a name that is none. */
const name = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const isHost = (text: string): boolean => text.toLowerCase() === 'host';

const headerName = z.string().max(16_384, 'must be 16384 bytes at most');

const changeableHeader = headerName
  .regex(name, 'a header name; pseudo-headers such as :path cannot be changed')
  .refine((text) => !isHost(text), 'the host is changed by rewrite.authority');

/** In requests the host may be set as well. */
const settableHeader = headerName.refine(
  (text) => text === ':authority' || name.test(text),
  'a header name; of the pseudo-headers only :authority can be changed',
);

/** One that Envoy takes, with its commands in it: https://www.envoyproxy.io/docs/envoy/latest/configuration/advanced/substitution_formatter */
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

/** More would make Envoy reject the whole route configuration. */
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

/** Changes of headers, on the way there and back. */
export const headers = z.strictObject({
  request: requestOperations.optional().describe('before a request is forwarded'),
  response: responseOperations.optional().describe('before a response is given back'),
});

export type HeadersSpec = z.infer<typeof headers>;

/** Whether a header of a request is its host, under either of its names. */
export const isAuthority = (header: string): boolean => header === ':authority' || isHost(header);
