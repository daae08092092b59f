import type { HttpFilter, HttpFilterPlan } from '../../plan/http-filters.ts';

/** An extension in an Any, in proto JSON. */
export type ExtensionJson = { readonly '@type': string };

/** How one HTTP filter is written. */
export interface HttpFilterKind {
  /** By which routes refer to it. */
  readonly name: string;
  /** Stands in every connection manager; null for a filter that stands only where a plan has it. */
  readonly everywhere: HttpFilterPlan | null;
  write(config: object): ExtensionJson;
  writeForRoute(config: object): ExtensionJson;
}

interface HttpFilterWriters<Config, RouteConfig> {
  /** Settings with which it stands in every connection manager; left out, it stands where a plan has it. */
  readonly everywhere?: Config;
  write(config: Config): ExtensionJson;
  /** Left out, routes have no settings of their own for it. */
  writeForRoute?(config: RouteConfig): ExtensionJson;
}

/** The kind of a filter whose settings have the types of `filter`. */
export function httpFilterKind<Config extends object, RouteConfig extends object>(
  filter: HttpFilter<Config, RouteConfig>,
  { everywhere, write, writeForRoute }: HttpFilterWriters<Config, RouteConfig>,
): HttpFilterKind {
  return {
    name: filter.name,
    everywhere: everywhere === undefined ? null : filter.of(everywhere),
    // Settings under a filter's name are made by its `of` and `onRoute` alone, which take these types.
    write: (config) => write(config as Config),
    writeForRoute(config) {
      if (writeForRoute === undefined) throw new Error(`routes have no settings for ${filter.name}`);
      return writeForRoute(config as RouteConfig);
    },
  };
}
