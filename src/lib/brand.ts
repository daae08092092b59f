declare const brand: unique symbol;

/** A string or number that only its own constructor can make: a `Hostname` is not any string. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
