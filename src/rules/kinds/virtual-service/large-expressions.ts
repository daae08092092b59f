import { fieldPath } from '../../../lib/field-path.ts';
import { defaultProgramSize, programSizeAtMost } from '../../re2/program-size.ts';
import type { Problem } from '../../rule.ts';
import type { HttpRouteSpec } from './http-schema.ts';
import { regexConditions } from './match-schema.ts';
import type { VirtualServiceSpec } from './schema.ts';

/**
 * Finds expressions that Envoy accepts only if its bootstrap raises the limit, as that of `binnacle bootstrap` does.
 */
export const largeExpressions = ({ http = [] }: VirtualServiceSpec): readonly Problem[] =>
  http.flatMap((route, index) =>
    expressionsOf(route).flatMap(({ path, text }) => {
      const size = programSizeAtMost(text);
      if (size <= defaultProgramSize) return [];
      return [{ path: fieldPath('spec', ['http', index, ...path]), message: warning(size) }];
    }),
  );

const warning = (size: number): string =>
  `takes RE2 about ${size} instructions; an Envoy whose bootstrap lacks re2.max_program_size.error_level allows ` +
  `${defaultProgramSize}, and would reject all routes of the port (binnacle bootstrap sets it)`;

interface Expression {
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

function expressionsOf({ match = [], rewrite, corsPolicy }: HttpRouteSpec): readonly Expression[] {
  const conditions = match.flatMap((it, index) =>
    regexConditions(it).map(({ path, regex }) => ({ path: ['match', index, ...path, 'regex'], text: regex })),
  );
  const origins = (corsPolicy?.allowOrigins ?? []).map(({ regex }, index) => ({
    path: ['corsPolicy', 'allowOrigins', index, 'regex'],
    text: regex ?? '',
  }));
  const change = rewrite?.uriRegexRewrite?.match ?? '';
  return [...conditions, ...origins, { path: ['rewrite', 'uriRegexRewrite', 'match'], text: change }];
}
