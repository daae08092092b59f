import { expect, it } from 'vitest';
import { readTokenReview, tokenReview } from '../../../../src/security/workloads/token-review.ts';

const audiences = ['binnacle', 'istio-ca'];
const extra = {
  'authentication.kubernetes.io/pod-name': ['reviews-1'],
  'authentication.kubernetes.io/pod-uid': ['u-1'],
};
const reviewed = (status: object) => ({ kind: 'TokenReview', status });
const account = { username: 'system:serviceaccount:shop:reviews', extra };

it('requests a review with all audiences, of which one suffices', () => {
  expect(tokenReview('t', audiences)).toMatchObject({ kind: 'TokenReview', spec: { token: 't', audiences } });
});

it("reads namespace, account and pod of a pod's token", () => {
  const answer = reviewed({ authenticated: true, audiences: ['istio-ca'], user: account });
  expect(readTokenReview(answer, audiences)).toEqual({
    type: 'valid',
    workload: { namespace: 'shop', serviceAccount: 'reviews', pod: { name: 'reviews-1', uid: 'u-1' } },
  });
});

it('reads a token without a pod', () => {
  const answer = reviewed({ authenticated: true, audiences: ['binnacle'], user: { ...account, extra: {} } });
  expect(readTokenReview(answer, audiences)).toMatchObject({ type: 'valid', workload: { pod: null } });
});

for (const { name, status, reason } of [
  {
    name: 'a token that the server rejects, with its reason',
    status: { authenticated: false, error: 'token has expired' },
    reason: 'token has expired',
  },
  { name: 'a token that the server rejects without a reason', status: {}, reason: 'the API server does not know it' },
  {
    name: 'a token of a server that does not confirm the audience',
    status: { authenticated: true, user: account },
    reason: 'it is not for the audience binnacle or istio-ca',
  },
  {
    name: 'a token of a person',
    status: { authenticated: true, audiences: ['binnacle'], user: { username: 'ann' } },
    reason: 'it is of "ann", which is no service account',
  },
]) {
  it(`rejects ${name}`, () => {
    expect(readTokenReview(reviewed(status), audiences)).toEqual({ type: 'invalid', reason });
  });
}

it('treats any other answer as no answer', () => {
  expect(readTokenReview({ kind: 'Status' }, audiences).type).toBe('unavailable');
});
