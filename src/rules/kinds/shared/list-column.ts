import type { RuleColumn } from '../../rule.ts';

/** A column with the texts of a list of the spec, joined with commas. */
export const listColumn = (name: string, field: string, { about, wide = false }: ListColumnOptions): RuleColumn => ({
  name,
  type: 'string',
  about,
  wide,
  value(spec) {
    const list = spec[field];
    return Array.isArray(list) && list.length > 0 ? list.map(String).join(',') : null;
  },
});

interface ListColumnOptions {
  readonly about: string;
  readonly wide?: boolean;
}
