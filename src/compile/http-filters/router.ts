import { routerFilter } from '../../plan/http-filters.ts';
import { extension } from '../generators/json.ts';
import { httpFilterKind } from './kind.ts';

export const router = httpFilterKind(routerFilter, {
  everywhere: {},
  write: () => extension('envoy.extensions.filters.http.router.v3.Router', {}),
});
