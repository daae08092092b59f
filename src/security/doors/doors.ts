import type { Asked, Caller, Verdict } from '../../model/access.ts';
import { browserFault } from './browser.ts';
import type { ServerNames } from './server-names.ts';

export interface DoorsOptions {
  readonly names: ServerNames;
  /** Told of every request that is not let in. */
  readonly refused: (asked: Asked, verdict: Verdict & { readonly type: 'refused' }) => void;
}

/** Where nobody has to prove anything: loopback, or `--insecure`. */
const anybody: Caller = { identity: null, may: () => true };

/** Decides about every request at the HTTP doors. */
export function createDoors({ names, refused }: DoorsOptions) {
  return {
    admit(asked: Asked): Verdict {
      const verdict = decide(asked, names);
      if (verdict.type === 'refused') refused(asked, verdict);
      return verdict;
    },
  };
}

function decide(asked: Asked, names: ServerNames): Verdict {
  const fault = browserFault(asked, names);
  return fault === null ? { type: 'admitted', caller: anybody } : { type: 'refused', ...fault };
}
