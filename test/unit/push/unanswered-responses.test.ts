import { describe, expect, it } from 'vitest';
import { FakePush } from '../../support/fake-push.ts';

/** A client that was sent a cluster, and has not answered. */
async function silentClient(id = 'p') {
  const push = new FakePush();
  push.compiler.put('scope', { cluster: { a: '1' } });
  const client = push.connect(id);
  client.asks('cluster');
  await push.rest();
  const overdue = () => push.coordinator.unanswered.count('cluster');
  return { push, client, overdue };
}

describe('a response without an answer', () => {
  it('is reported once after 30 seconds, and counted until it is answered', async () => {
    const { push, client, overdue } = await silentClient();
    await push.pass(29_000);
    expect([overdue(), push.warnings]).toEqual([0, []]);

    await push.pass(1_000);
    expect(overdue()).toBe(1);
    expect(push.warnings).toEqual([
      {
        message: 'response not answered by proxy',
        proxy: 'p',
        type: 'cluster',
        nonce: expect.any(String),
        resources: ['a'],
        waitedMs: 30_000,
      },
    ]);

    await push.pass(60_000);
    expect([overdue(), push.warnings.length]).toEqual([1, 1]);
    client.acks('cluster');
    await push.pass(1_000);
    expect(overdue()).toBe(0);
  });

  it('keeps its names but not its bytes, and can still be acknowledged', async () => {
    const { push, client } = await silentClient();
    const state = client.client.stream.types.get('cluster');
    expect(state?.inFlight?.parts.length).toBeGreaterThan(0);
    await push.pass(30_000);
    expect(state?.inFlight).toMatchObject({ parts: [], updated: ['a'] });
    client.acks('cluster');
    expect(state).toMatchObject({ inFlight: null, answers: { isRejected: false } });
  });

  it('is reported again for a later response', async () => {
    const { push, client, overdue } = await silentClient();
    await push.pass(30_000);
    client.acks('cluster');
    await push.change('scope', { cluster: { a: '2' } });
    await push.pass(29_000);
    expect([overdue(), push.warnings.length]).toEqual([0, 1]);
    await push.pass(1_000);
    expect([overdue(), push.warnings.length]).toEqual([1, 2]);
  });

  it('is dropped when its client disconnects', async () => {
    const { push, client, overdue } = await silentClient();
    await push.pass(30_000);
    push.coordinator.disconnect(client.client, 'cancelled');
    await push.pass(1_000);
    expect(overdue()).toBe(0);
  });

  it('is not reported if it is answered in time', async () => {
    const { push, client, overdue } = await silentClient();
    await push.pass(29_000);
    client.acks('cluster');
    await push.pass(60_000);
    expect([overdue(), push.warnings]).toEqual([0, []]);
  });
});
