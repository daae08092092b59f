import { expect, it } from 'vitest';
import type { NodeClaim, WorkloadIdentity } from '../../../../src/model/caller-authentication.ts';
import { claimFault } from '../../../../src/security/workloads/claims.ts';

const workload: WorkloadIdentity = {
  namespace: 'shop',
  serviceAccount: 'reviews',
  pod: { name: 'reviews-1', uid: 'u-1' },
};
const claim = (about: NodeClaim['about'], value: string, field = 'node.id'): NodeClaim => ({ about, field, value });

it('accepts a node that matches the token', () => {
  const claims = [claim('namespace', 'shop'), claim('pod', 'reviews-1'), claim('service account', 'reviews')];
  expect(claimFault(workload, claims)).toBeNull();
});

for (const { about, value, text } of [
  { about: 'namespace', value: 'bank', text: 'the namespace differs: node.id says "bank", the token is of "shop"' },
  { about: 'pod', value: 'other-1', text: 'the pod differs: node.id says "other-1", the token is of "reviews-1"' },
  {
    about: 'service account',
    value: 'admin',
    text: 'the service account differs: node.id says "admin", the token is of "reviews"',
  },
] as const) {
  it(`reports that the ${about} differs, with the field and the expected value`, () => {
    expect(claimFault(workload, [claim('namespace', 'shop'), claim(about, value)])).toBe(text);
  });
}

it('finds the one differing field among several with the same meaning', () => {
  const claims = [claim('namespace', 'shop'), claim('namespace', 'bank', 'node.metadata.NAMESPACE')];
  expect(claimFault(workload, claims)).toContain('node.metadata.NAMESPACE');
});

it('does not compare the pod if the token is bound to none', () => {
  expect(claimFault({ ...workload, pod: null }, [claim('pod', 'vm-7'), claim('namespace', 'shop')])).toBeNull();
  expect(claimFault({ ...workload, pod: null }, [claim('namespace', 'bank')])).not.toBeNull();
});
