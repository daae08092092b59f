import { z } from 'zod';

/*
 * Types of values in binnacle.yaml. `form` names a type in the reference of docs/configuration.md if the JSON type is
 * too general.
 */

/** Address to listen at or to connect to. */
export interface Address {
  /** IP address or name, without brackets. */
  readonly host: string;
  /** Port; 0 lets the system choose. */
  readonly port: number;
}

const addressForm = 'must be host:port, such as 127.0.0.1:15010 or [::1]:15010';

/** `host:port` as text. */
export const addressSchema = z
  .string(addressForm)
  .meta({ form: 'address' })
  .transform((text, context): Address => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text);
    const port = Number(match?.[3]);
    if (match === null || port > 65_535) {
      context.addIssue({ code: 'custom', message: `${addressForm}, not "${text}"` });
      return z.NEVER;
    }
    return { host: match[1] ?? match[2] ?? '', port };
  });

/** Path of a file or directory, relative to the working directory. */
export const path = z.string().min(1).meta({ form: 'path' });

export const adapterName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower-case letters, digits and "-"')
  .meta({ form: 'lower-case letters, digits and `-`, 63 at most' });

/** Name of the server, for `Host` and `Origin`. */
export const hostName = z
  .string()
  .max(253)
  .regex(
    /^(\*|(\*\.)?[A-Za-z0-9_]([-A-Za-z0-9._]*[A-Za-z0-9_])?)$/,
    'must be a name, *.example.com or *, without a port',
  )
  .meta({ form: 'names, `*.example.com` or `*`' });

export const spiffeIds = z
  .string()
  .regex(/^spiffe:\/\/[^*]+\*?$/, 'must be a SPIFFE ID, or the beginning of some and "*"')
  .meta({ form: 'SPIFFE IDs, which may end in `*`' });

/** A namespace, which may end in `*`, and a hostname, `*.example.com` or `*`. */
export const namespacedHost = z
  .string()
  .regex(
    /^([a-z0-9][-a-z0-9]*\*?|\*)\/(\*|(\*\.)?[A-Za-z0-9_]([-A-Za-z0-9._]*[A-Za-z0-9_])?)$/,
    'must be namespace/host, such as shop/orders.example, shop/* or */*',
  )
  .meta({ form: '`namespace/host`, with `*`' });

export const positiveInteger = z.int().min(1);

/** Duration of at most a year. */
export const seconds = z.number().positive().max(31_536_000, 'must be a year at most').meta({ form: 'seconds' });

/** Size from a kibibyte to a gibibyte. */
export const bytes = z.int().min(1_024).max(1_073_741_824).meta({ form: 'bytes' });

export const milliseconds = z.int().min(0).max(600_000).meta({ form: 'milliseconds' });
