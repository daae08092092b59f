import type { AdapterContext } from '../../../src/adapter-contract/adapter.ts';
import { hostname } from '../../../src/model/names.ts';
import type { InstanceKey, Registration, RegistrationBook, RegistrationState } from '../contract.ts';
import type { Registrar } from '../registries/registrar.ts';
import type { SubscriptionBook } from '../subscriptions/contract.ts';

/** Parts of the adapter that its routes use. */
export interface RegistrationApi {
  readonly book: RegistrationBook;
  readonly registrar: Registrar;
  readonly subscriptions: SubscriptionBook;
  readonly registrationRefusal: AdapterContext['registrationRefusal'];
}

/** Reads the names in a URL or in an item of a batch. Hostnames are case-insensitive. */
export const readKey = ({ namespace = '', host = '', id = '' }: Partial<InstanceKey>): InstanceKey => ({
  namespace,
  host: host.toLowerCase(),
  id,
});

/** Reports whether a body, which may be wrong otherwise, names a registry. */
export const namesRegistry = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'registry' in body && body.registry !== undefined;

/** Returns the reason why another adapter's definition excludes an instance, or null. */
export const whyNot = (
  { registrationRefusal }: RegistrationApi,
  { namespace, host, vips, registry }: Registration,
): string | null => registrationRefusal({ namespace, hostname: hostname(host), vips, registry });

/** Returns the message for an instance that its registry refuses; null if it does not. */
export const refusalIn = ({ registry = '' }: Registration, state: RegistrationState): string | null =>
  state.type === 'failed' ? `${registry} refuses the instance: ${state.reason}` : null;
