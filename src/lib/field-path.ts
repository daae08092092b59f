/**
 * Where a field stands, for people: `spec.http[0].route[1].weight`. A key that is no plain word is quoted:
 * `metadata.labels["a.b/c"]`. `root` is what `path` begins at; empty for an object as a whole.
 */
export function fieldPath(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, step) => {
    if (typeof step === 'number') return `${before}[${step}]`;
    const word = String(step);
    if (!/^[A-Za-z_][\w-]*$/.test(word)) return `${before}[${JSON.stringify(word)}]`;
    return before === '' ? word : `${before}.${word}`;
  }, root);
}
