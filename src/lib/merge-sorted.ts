/** Merges two sorted lists with one comparison per element. */
export function mergeSorted<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): readonly T[] {
  if (b.length === 0) return a;
  const merged: T[] = [];
  let next = 0;
  for (const element of a) {
    for (let other = b[next]; other !== undefined && compare(other, element) < 0; other = b[++next]) merged.push(other);
    merged.push(element);
  }
  for (const other of b.slice(next)) merged.push(other);
  return merged;
}
