import { fieldPath } from '../lib/field-path.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Adapter, AdapterContext, AdapterDefinition } from './adapter.ts';

/** One mistake in an adapter's part of the configuration file. */
export interface ConfigMistake {
  /** `servers[0]`; empty for the part as a whole. */
  readonly path: string;
  readonly message: string;
}

/** A definition whose configuration is checked when it is used: what a list of different adapters can hold. */
export interface ConfigurableAdapter {
  /** The `type` in binnacle.yaml. */
  readonly kind: string;
  /** What its part of the file may say. */
  readonly config: AdapterDefinition<unknown>['config'];
  /** See `AdapterDefinition`. */
  readonly isDurable: boolean;
  /** See `AdapterDefinition`. */
  readonly isGuest: boolean;
  /** Makes the adapter from its part of the file, without `type`, `name` and what else every adapter has. */
  configure(settings: unknown, context: AdapterContext): Result<Adapter, readonly ConfigMistake[]>;
}

/** Hides the configuration's type behind its own check. */
export const configurable = <Config>(definition: AdapterDefinition<Config>): ConfigurableAdapter => ({
  kind: definition.kind,
  config: definition.config,
  isDurable: definition.isDurable ?? false,
  isGuest: definition.isGuest ?? false,
  configure(settings, context) {
    const parsed = definition.config.safeParse(settings);
    if (parsed.success) return ok(definition.create(parsed.data, context));
    return err(parsed.error.issues.map(({ path, message }) => ({ path: fieldPath('', path), message })));
  },
});
