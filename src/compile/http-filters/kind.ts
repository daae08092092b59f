import type { HttpFilter, HttpFilterPlan } from '../../plan/http-filters.ts';

/** Extension in an Any, in proto JSON. */
export type ExtensionJson = { readonly '@type': string };

/** Writer of one HTTP filter. */
export interface HttpFilterKind {
  /** Name by which routes refer to it. */
  readonly name: string;
  /** Plan of a filter that every connection manager has; null for a filter that only some plans have. */
  readonly everywhere: HttpFilterPlan | null;
  write(config: object): ExtensionJson;
  writeForRoute(config: object): ExtensionJson;
}

interface HttpFilterWriters<Config, RouteConfig> {
  /** Settings of a filter that every connection manager has; absent for a filter that only some plans have. */
  readonly everywhere?: Config;
  write(config: Config): ExtensionJson;
  /** Writes settings of routes. Absent if routes have no settings for it. */
  writeForRoute?(config: RouteConfig): ExtensionJson;
}

/** Creates the kind of a filter whose settings have the types of `filter`. */
export function httpFilterKind<Config extends object, RouteConfig extends object>(
  filter: HttpFilter<Config, RouteConfig>,
  { everywhere, write, writeForRoute }: HttpFilterWriters<Config, RouteConfig>,
): HttpFilterKind {
  return {
    name: filter.name,
    everywhere: everywhere === undefined ? null : filter.of(everywhere),
    // The casts are sound: only `of` and `onRoute` of the filter make settings with its name, and they accept these
    // types.
    write: (config) => write(config as Config),
    writeForRoute(config) {
      if (writeForRoute === undefined) throw new Error(`routes have no settings for ${filter.name}`);
      return writeForRoute(config as RouteConfig);
    },
  };
}
