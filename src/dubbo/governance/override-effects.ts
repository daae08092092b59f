import type { OverriddenProvider } from './overrides.ts';

/** Parameters of Dubbo's clients that mean nothing here. */
const unsupported = new Set([
  ...['accepts', 'accesslog', 'actives', 'async', 'cache', 'cluster', 'connections', 'executes', 'lazy', 'loadbalance'],
  ...['mock', 'retries', 'sent', 'sticky', 'threads', 'validation'],
]);

/** Timeouts that overrides give all instances of a service. */
export interface OverriddenTimeouts {
  readonly usualMs: number | null;
  readonly byMethod: ReadonlyMap<string, number>;
  readonly origins: readonly string[];
}

/** Fault of a rule in its use for a service. */
export interface RuleFault {
  readonly origin: string;
  readonly message: string;
}

/** Reads what overrides mean beyond single instances. Adds what cannot be expressed to `faults`. */
export function readTimeouts(instances: readonly OverriddenProvider[], faults: RuleFault[]): OverriddenTimeouts {
  let usualMs: number | null = null;
  const byMethod = new Map<string, number>();
  const origins = new Set<string>();
  for (const [key, origin] of new Map(instances.flatMap(({ changed }) => [...changed]))) {
    const [, method, name = key] = /^([A-Za-z_$][\w$]*)\.([a-z]+)$/.exec(key) ?? [];
    if (unsupported.has(name)) faults.push({ origin, message: `the parameter ${key} is not supported` });
    if (name !== 'timeout') continue;
    const values = new Set(instances.map(({ parameters, changed }) => (changed.has(key) ? parameters.get(key) : null)));
    const [value] = values;
    const timeoutMs = Number(value ?? '');
    if (values.size > 1) faults.push({ origin, message: `${key}: a timeout of single instances is not supported` });
    else if (!Number.isInteger(timeoutMs) || timeoutMs <= 0)
      faults.push({ origin, message: `${key}: '${value}' is no number of milliseconds above 0` });
    else {
      if (method === undefined) usualMs = timeoutMs;
      else byMethod.set(method, timeoutMs);
      origins.add(origin);
    }
  }
  return { usualMs, byMethod, origins: [...origins] };
}
