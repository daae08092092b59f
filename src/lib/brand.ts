declare const brand: unique symbol;

/** String or number with a distinct type: a `Hostname` is not any string. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
