export type Labels = Readonly<Record<string, string>>;

/** Returns true if `labels` has every pair of `selector`. An empty selector matches everything. */
export const selects = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
