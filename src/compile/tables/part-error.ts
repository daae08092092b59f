/** A part that cannot be encoded, or that Envoy would reject. */
export class PartError extends Error {
  /** The rules and services that the part is made of. */
  readonly origins: readonly string[];

  constructor(origins: readonly string[], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.origins = origins;
  }
}

/** Makes a part. What it throws names the part's origins. */
export function withOrigins<T>({ origins }: { readonly origins: readonly string[] }, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new PartError(origins, cause);
  }
}
