/** A path of a schema (`spec.http[].match[].headers{}.exact`) as one place in an object. */
export interface Place {
  /** `spec.http[0].match[0].headers.key.exact`. */
  readonly path: string;
  /** The smallest spec that has the value there, and nothing else. */
  readonly spec: unknown;
}

/** Puts a value where a path of a schema leads. */
export function specAt(path: string, value: unknown): Place {
  const [, ...steps] = path.split(/\.|(?=\[\])|(?=\{\})/);
  const build = ([step, ...rest]: readonly string[]): unknown => {
    if (step === undefined) return value;
    if (step === '[]') return [build(rest)];
    return { [step === '{}' ? 'key' : step]: build(rest) };
  };
  return { path: path.replaceAll('[]', '[0]').replaceAll('{}', '.key'), spec: build(steps) };
}
