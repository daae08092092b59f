import type { ListenerPlan } from '../../plan/listener.ts';
import { generateListener, type NamedListener } from '../generators/listeners.ts';
import { routerAlone } from '../http-filters/index.ts';

/** MOSN reads an older field for whether a listener has a socket. */
export const generateMosnListener = (plan: ListenerPlan): NamedListener => ({
  ...generateListener(plan, routerAlone),
  ...(plan.bindsToPort ? {} : { deprecatedV1: { bindToPort: false } }),
});
