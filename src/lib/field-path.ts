/**
 * Formats the path of a field for people: `spec.http[0].route[1].weight`. Keys that are not plain words are quoted:
 * `metadata.labels["a.b/c"]`. `root` is the start of the path; empty for a whole object.
 */
export function fieldPath(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, step) => {
    if (typeof step === 'number') return `${before}[${step}]`;
    const word = String(step);
    if (!/^[A-Za-z_][\w-]*$/.test(word)) return `${before}[${JSON.stringify(word)}]`;
    return before === '' ? word : `${before}.${word}`;
  }, root);
}
