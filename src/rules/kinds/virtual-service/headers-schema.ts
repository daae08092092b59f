import { z } from 'zod';

/** Envoy refuses the whole route configuration for a change of a name that is none. */
const name = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const isHost = (text: string): boolean => text.toLowerCase() === 'host';

const changeableHeader = z
  .string()
  .regex(name, 'a header name; pseudo-headers such as :path cannot be changed')
  .refine((text) => !isHost(text), 'the host is changed by rewrite.authority');

/** In requests the host may be set as well. */
const settableHeader = z
  .string()
  .refine(
    (text) => text === ':authority' || name.test(text),
    'a header name; of the pseudo-headers only :authority can be changed',
  );

/** Envoy's commands in values, such as `%REQ(x-id)%`; any other percent sign stands doubled. */
const headerValue = z
  .string()
  .max(16_384)
  .refine((text) => !/[\0\r\n]/.test(text), 'must be one line')
  .refine(
    (text) => /^([^%]|%%|%[A-Z0-9_]+(\([^%]*\))?(:\d+)?%)*$/.test(text),
    'a percent sign must be doubled (%%), or stand around a command of Envoy such as %REQ(x-id)%',
  );

const about = {
  set: 'headers to overwrite, by name',
  add: 'headers to append to, by name',
  remove: 'headers to take away',
};

const requestOperations = z.strictObject({
  set: z.record(settableHeader, headerValue).optional().describe(about.set),
  add: z.record(settableHeader, headerValue).optional().describe(about.add),
  remove: z.array(changeableHeader).optional().describe(about.remove),
});

const responseOperations = z.strictObject({
  set: z.record(changeableHeader, headerValue).optional().describe(about.set),
  add: z.record(changeableHeader, headerValue).optional().describe(about.add),
  remove: z.array(changeableHeader).optional().describe(about.remove),
});

/** Changes of headers, on the way there and back. */
export const headers = z.strictObject({
  request: requestOperations.optional().describe('before a request is forwarded'),
  response: responseOperations.optional().describe('before a response is given back'),
});

export type HeadersSpec = z.infer<typeof headers>;

/** Whether a header of a request is its host, under either of its names. */
export const isAuthority = (header: string): boolean => header === ':authority' || isHost(header);
