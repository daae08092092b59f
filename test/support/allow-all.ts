import type { AccessCheck } from '../../src/api/access/guard.ts';

/** Allows everything, for tests of the routes behind access control. */
export const allowAll: AccessCheck = {
  admit: () => ({ type: 'admitted', caller: { identity: null, reasonAgainst: () => null } }),
  onChange: () => {},
};
