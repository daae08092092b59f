/** A path of a schema (`spec.http[].match[].headers{}.exact`) as one place in an object. */
export interface SpecPlace {
  /** `spec.http[0].match[0].headers.key.exact`. */
  readonly path: string;
  /** The smallest spec with the value at this path. */
  readonly spec: unknown;
}

/** Builds a spec with a value at a path of a schema. */
export function specAt(path: string, value: unknown): SpecPlace {
  const [, ...steps] = path.split(/\.|(?=\[\])|(?=\{\})/);
  const build = ([step, ...rest]: readonly string[]): unknown => {
    if (step === undefined) return value;
    if (step === '[]') return [build(rest)];
    return { [step === '{}' ? 'key' : step]: build(rest) };
  };
  return { path: path.replaceAll('[]', '[0]').replaceAll('{}', '.key'), spec: build(steps) };
}
