import { z } from 'zod';

/** Object of any kind, as the server sent it. Only the named fields were checked. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

export interface ObjectMetadata {
  readonly name: string;
  /** Absent for objects without a namespace. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly [field: string]: unknown;
}

const objectSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
  }),
});

/** Returns the value if it is an object with a name, else null. */
export const asApiObject = (value: unknown): ApiObject | null =>
  // The schema checks what the type names; loose objects pass the rest through.
  objectSchema.safeParse(value).success ? (value as ApiObject) : null;

/** `namespace/name`; only the name without a namespace. */
export const objectPath = ({ name, namespace }: Pick<ObjectMetadata, 'name' | 'namespace'>): string =>
  namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;

/**
 * Reports whether version `a` is older than `b`. Versions are decimal numbers, which is documented since Kubernetes
 * 1.35 and true before: https://github.com/kubernetes/enhancements/issues/5504. Others are never older.
 */
export function isOlder(a: string, b: string): boolean {
  if (!/^[0-9]+$/.test(a) || !/^[0-9]+$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
