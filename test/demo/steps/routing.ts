import { eventually } from '../../support/eventually.ts';
import type { DemoMesh, Rule } from '../mesh.ts';
import { onlyV1, routes, subsets, to } from '../rules.ts';
import { type DemoStep, mustHold, sharesText } from '../step.ts';

/** Applies rules, and returns the milliseconds until calls show it. */
export async function effectAfter(
  mesh: DemoMesh,
  rules: readonly Rule[],
  shows: () => Promise<boolean>,
): Promise<number> {
  const startedAt = performance.now();
  await mesh.apply(...rules);
  await eventually(shows, { what: 'the effect of the rule', everyMs: 5 });
  return Math.round(performance.now() - startedAt);
}

const only = async (mesh: DemoMesh, want: string, headers: Readonly<Record<string, string>> = {}): Promise<boolean> =>
  Object.keys(await mesh.count(20, { headers })).join() === want;

export const localhostModel: DemoStep = {
  title: 'Localhost model',
  about: 'Shop calls reviews at 127.0.0.1: its sidecar listens there. Without rules, calls go to all versions.',
  async run(mesh) {
    const listeners = [...(await mesh.shop.listeners()).entries()].map(([name, port]) => `${name} on port ${port}`);
    await eventually(async () => (await mesh.call()).status === 200, { what: 'the first answer' });
    const counts = await mesh.count(300);
    mustHold(Object.keys(counts).join() === '200 v1,200 v2,200 v3', 'all three versions answer, and nothing else');
    return [`listeners of shop's sidecar: ${listeners.join(', ')}`, `300 calls: ${sharesText(counts)}`];
  },
};

export const canary: DemoStep = {
  title: 'Canary 99/1',
  about: 'A DestinationRule names the versions, a VirtualService sends one call of a hundred to v2.',
  async run(mesh) {
    const ms = await effectAfter(mesh, [subsets, routes({ route: to({ v1: 99, v2: 1 }) })], async () => {
      const counts = await mesh.count(40);
      return (counts['200 v1'] ?? 0) >= 36 && counts['200 v3'] === undefined;
    });
    const counts = await mesh.count(2_000);
    const second = counts['200 v2'] ?? 0;
    // 20 are expected; outside of 2 to 60 it would be chance in less than one of ten million runs
    mustHold(second >= 2 && second <= 60, 'v2 gets about one call of a hundred');
    mustHold(second + (counts['200 v1'] ?? 0) === 2_000, 'every call succeeds');
    return [`in effect after ${ms} ms`, `2,000 calls: ${sharesText(counts)}`];
  },
};

export const headerRouting: DemoStep = {
  title: 'Routing by a header',
  about: 'Calls with the header end-user: jason go to v3, all others to v1.',
  async run(mesh) {
    const match = [{ headers: { 'end-user': { exact: 'jason' } } }];
    const rule = routes({ match, route: to({ v3: 100 }) }, { route: to({ v1: 100 }) });
    const jason = { 'end-user': 'jason' };
    const ms = await effectAfter(mesh, [rule], () => only(mesh, '200 v3', jason));
    const [his, others] = [await mesh.count(100, { headers: jason }), await mesh.count(100)];
    mustHold(his['200 v3'] === 100 && others['200 v1'] === 100, 'each call goes where its header says');
    return [`in effect after ${ms} ms`, `with the header: ${sharesText(his)}`, `without: ${sharesText(others)}`];
  },
};

export const endpoints: DemoStep = {
  title: 'An endpoint leaves and joins',
  about: 'v2 is removed from the registry under load, and comes back. No call fails.',
  async run(mesh) {
    await mesh.remove(onlyV1);
    const all = '200 v1,200 v2,200 v3';
    await eventually(async () => (await only(mesh, all)) === true, { what: 'calls to all versions' });
    const load = countUntil(mesh);
    const lines: string[] = [];
    for (const { act, want, said } of [
      { act: () => mesh.leave('v2'), want: '200 v1,200 v3', said: 'v2 left' },
      { act: () => mesh.join('v2'), want: all, said: 'v2 joined' },
    ]) {
      const startedAt = performance.now();
      await act();
      await eventually(() => only(mesh, want), { what: want, everyMs: 5 });
      lines.push(`${said}: calls follow after ${Math.round(performance.now() - startedAt)} ms`);
    }
    const counts = await load.end();
    const failed = Object.entries(counts).filter(([answer]) => !answer.startsWith('200'));
    mustHold(failed.length === 0, `no call fails (${failed.join('; ')})`);
    return [...lines, `meanwhile: ${sharesText(counts)}`];
  },
};

/** Calls again and again until it is ended. */
function countUntil(mesh: DemoMesh) {
  let isEnded = false;
  const counting = (async () => {
    const sum: Record<string, number> = {};
    while (!isEnded) {
      for (const [answer, count] of Object.entries(await mesh.count(20))) sum[answer] = (sum[answer] ?? 0) + count;
    }
    return sum;
  })();
  return {
    end() {
      isEnded = true;
      return counting;
    },
  };
}
