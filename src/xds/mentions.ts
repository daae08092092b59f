/** Whether an error speaks of this name, and not only of a longer one that contains it, or of a port. */
export function mentions(error: string, name: string): boolean {
  if (name === '') return false;
  for (let at = error.indexOf(name); at >= 0; at = error.indexOf(name, at + 1)) {
    const before = error.charAt(at - 1);
    const after = error.slice(at + name.length, at + name.length + 8);
    if (!/[\w|.:-]/.test(before) && !/^(\w|[|.-]+\w)/.test(after)) return true;
  }
  return false;
}
