/**
 * The paths of `spec` that match one of `patterns` (`http[].fault`, `trafficPolicy.tls`), with their indices:
 * `spec.http[2].fault`. Kinds list with it what is valid but not compiled yet, so that nothing is ignored silently.
 */
export function presentPaths(spec: object, patterns: readonly string[]): readonly string[] {
  return patterns.flatMap((pattern) => presentAt(spec, pattern.split('.'), 'spec'));
}

function presentAt(value: unknown, [step, ...rest]: readonly string[], path: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (step === undefined) return [path];
  if (step.endsWith('[]')) {
    const list = field(value, step.slice(0, -2));
    if (!Array.isArray(list)) return [];
    return list.flatMap((item, index) => presentAt(item, rest, `${path}.${step.slice(0, -2)}[${index}]`));
  }
  return presentAt(field(value, step), rest, `${path}.${step}`);
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
