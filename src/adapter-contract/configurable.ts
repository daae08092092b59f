import { fieldPath } from '../lib/field-path.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Adapter, AdapterContext, AdapterDefinition } from './adapter.ts';

/** Mistake in an adapter's part of the configuration file. */
export interface ConfigMistake {
  /** Path such as `servers[0]`; empty for the whole part. */
  readonly path: string;
  readonly message: string;
}

/** Adapter definition that checks its configuration at run time, so that a list can hold different adapters. */
export interface ConfigurableAdapter {
  /** Value of `type` in binnacle.yaml. */
  readonly kind: string;
  /** Schema of its part of the file. */
  readonly config: AdapterDefinition<unknown>['config'];
  /** Copy of `AdapterDefinition.isDurable`. */
  readonly isDurable: boolean;
  /** Copy of `AdapterDefinition.isSelfRegistered`. */
  readonly isSelfRegistered: boolean;
  /**
   * Creates the adapter from its part of the file, without `type`, `name` and the other keys common to all adapters.
   */
  configure(settings: unknown, context: AdapterContext): Result<Adapter, readonly ConfigMistake[]>;
}

/** Hides the configuration's type behind a check. */
export const configurable = <Config>(definition: AdapterDefinition<Config>): ConfigurableAdapter => ({
  kind: definition.kind,
  config: definition.config,
  isDurable: definition.isDurable ?? false,
  isSelfRegistered: definition.isSelfRegistered ?? false,
  configure(settings, context) {
    const parsed = definition.config.safeParse(settings);
    if (parsed.success) return ok(definition.create(parsed.data, context));
    return err(parsed.error.issues.map(({ path, message }) => ({ path: fieldPath('', path), message })));
  },
});
