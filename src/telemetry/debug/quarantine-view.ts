import { ok } from '../../lib/result.ts';
import type { Coordinator } from '../../push/coordinator.ts';
import type { QuarantinedPart } from '../../push/quarantine/quarantine.ts';
import { decisiveSentence } from '../../xds/stream/error-text.ts';
import { type DebugView, jsonArray } from './view.ts';

/** Lists versions of resources or virtual hosts that some proxies reject. */
export const quarantinez = ({ quarantine }: Coordinator): DebugView => ({
  path: '/debug/quarantinez',
  about: 'what proxies reject, which rules are to be corrected, and whether there is a last good version',
  read: () => ok(jsonArray(quarantine.parts().map(shown))),
});

const shown = ({
  type,
  name,
  part,
  hash,
  lastGood,
  error,
  violation,
  toCorrect,
  rejectedBy,
  acceptedBy,
  foundAtMs,
}: QuarantinedPart) => ({
  type,
  resource: name,
  virtualHost: part === '' ? null : part,
  version: hash,
  rules: toCorrect,
  reason: decisiveSentence(error, ''),
  violation,
  hasLastGood: lastGood !== null,
  rejectedBy: [...rejectedBy.values()].map(({ id }) => id),
  takenByKinds: [...acceptedBy],
  foundAt: new Date(foundAtMs).toISOString(),
});
