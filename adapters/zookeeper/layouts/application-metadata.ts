import { z } from 'zod';
import type { ServiceIdentity } from '../../../src/dubbo/identity.ts';
import { err, ok, type Result } from '../../../src/lib/result.ts';

/** Service that an instance of an application serves. */
export interface RevisionService {
  readonly identity: ServiceIdentity;
  readonly protocol: string;
  readonly port: number;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Document of a revision, as Dubbo writes it, as far as it is read. */
const revisionSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      name: z.string(),
      group: z.string().nullish(),
      version: z.string().nullish(),
      protocol: z.string(),
      port: z.number().int().nullish(),
      params: z.record(z.string(), z.string()).nullish(),
    }),
  ),
});

/** Reads the document of a revision. */
export function readRevision(data: Buffer | null): Result<readonly RevisionService[], string> {
  const document = revisionSchema.safeParse(jsonOf(data));
  if (!document.success) return err('it is not the JSON of a revision');
  return ok(
    Object.values(document.data.services).map(({ name, group, version, protocol, port, params }) => ({
      identity: { interface: name, group: group ?? '', version: version ?? '' },
      protocol,
      port: port ?? 0,
      parameters: new Map(Object.entries(params ?? {})),
    })),
  );
}

const definitionSchema = z.object({
  parameters: z.object({ group: z.string().optional(), version: z.string().optional() }),
});

/**
 * Returns the service that a definition's node is about. Its path has version and group, but of one alone it does not
 * say which it is: the parameters of the definition do.
 */
export function readDefinition(iface: string, between: readonly string[], data: Buffer | null): ServiceIdentity {
  const [version = '', group = ''] = between;
  if (between.length !== 1) return { interface: iface, group, version };
  const definition = definitionSchema.safeParse(jsonOf(data));
  const isGroup = definition.success && definition.data.parameters.group === version;
  return isGroup ? { interface: iface, group: version, version: '' } : { interface: iface, group: '', version };
}

/** Parses JSON; null if it is none. */
export function jsonOf(data: Buffer | string | null | undefined): unknown {
  try {
    return JSON.parse((data ?? '').toString());
  } catch {
    return null;
  }
}
