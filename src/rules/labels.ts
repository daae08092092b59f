export type Labels = Readonly<Record<string, string>>;

/** Whether `labels` has every pair of `selector`. An empty selector matches everything. */
export const selects = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
