import type { Problem } from '../../rule.ts';
import type { VirtualServiceSpec } from './schema.ts';

/** Finds faults that no request gets, because they have no percentage. */
export const idleFaults = ({ http = [] }: VirtualServiceSpec): readonly Problem[] =>
  http.flatMap(({ fault }, index) => {
    const idle = (['delay', 'abort'] as const).filter((name) => {
      const part = fault?.[name];
      if (part === undefined) return false;
      const percent = 'percent' in part ? part.percent : undefined;
      return part.percentage === undefined && percent === undefined;
    });
    return idle.map((name) => ({
      path: `spec.http[${index}].fault.${name}`,
      message: 'has no percentage, so that no request gets it; set percentage: { value: 100 } for all',
    }));
  });
