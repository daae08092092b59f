/** A V8 profile as `node --cpu-prof` writes it. Times are microseconds of the system's monotonic clock. */
export interface CpuProfile {
  readonly startTime: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  /** Id of the active node in each sample. */
  readonly samples: readonly number[];
  /** Time since the sample before, or since the start. */
  readonly timeDeltas: readonly number[];
}

export interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

/** Returns the busy time of a thread in a span, in microseconds by place, longest first. Excludes waiting. */
export function timeByPlace(profile: CpuProfile, { fromUs, toUs }: Span): ReadonlyMap<string, number> {
  const places = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const sums = new Map<string, number>();
  let now = profile.startTime;
  for (const [index, delta] of profile.timeDeltas.entries()) {
    now += delta;
    const place = places.get(profile.samples[index] ?? -1) ?? null;
    if (place === null || now <= fromUs || now > toUs) continue;
    sums.set(place, (sums.get(place) ?? 0) + delta);
  }
  return new Map([...sums].sort(([, a], [, b]) => b - a));
}

/** Returns a source file, a package or a part of the runtime; null for idle time. */
function placeOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string | null {
  if (functionName === '(idle)' || functionName === '(root)') return null;
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(program)') return 'native: libuv, nghttp2, kernel';
  if (url === '') return `native: ${functionName === '' ? 'unnamed' : functionName}`;
  if (url.startsWith('node:')) return "Node's JavaScript";
  const pack = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (pack !== undefined) return `package ${pack}`;
  return /\/dist\/(.+)\.js$/.exec(url)?.[1]?.concat('.ts') ?? url;
}
