/** Error for a part that cannot be encoded, or that Envoy would reject. */
export class PartError extends Error {
  /** Rules and services of the part. */
  readonly origins: readonly string[];

  constructor(origins: readonly string[], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.origins = origins;
  }
}

/** Makes a part. Its errors become a PartError with the part's origins. */
export function withOrigins<T>({ origins }: { readonly origins: readonly string[] }, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new PartError(origins, cause);
  }
}
