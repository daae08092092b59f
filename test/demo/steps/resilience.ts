import { eventually } from '../../support/eventually.ts';
import type { HttpRequest } from '../../support/http.ts';
import type { DemoMesh, Rule } from '../mesh.ts';
import { onlyV1, routes, subsets, to } from '../rules.ts';
import { type DemoStep, mustHold, sharesText } from '../step.ts';
import { effectAfter } from './routing.ts';

async function timed(mesh: DemoMesh, request: HttpRequest = {}): Promise<{ status: number; ms: number }> {
  const startedAt = performance.now();
  const { status } = await mesh.call(request);
  return { status, ms: Math.round(performance.now() - startedAt) };
}

export const faults: DemoStep = {
  title: 'Injected faults',
  about: 'Calls of one tester wait for 400 ms, those of another get 418. Everybody else notices nothing.',
  async run(mesh) {
    const by = (name: string) => [{ headers: { tester: { exact: name } } }];
    const rule = routes(
      {
        match: by('slow'),
        fault: { delay: { percentage: { value: 100 }, fixedDelay: '0.4s' } },
        route: to({ v1: 100 }),
      },
      {
        match: by('broken'),
        fault: { abort: { percentage: { value: 100 }, httpStatus: 418 } },
        route: to({ v1: 100 }),
      },
      { route: to({ v1: 100 }) },
    );
    const broken = { headers: { tester: 'broken' } };
    const ms = await effectAfter(mesh, [rule], async () => (await mesh.call(broken)).status === 418);
    const slow = await timed(mesh, { headers: { tester: 'slow' } });
    const [aborted, others] = [await mesh.count(50, broken), await mesh.count(50)];
    mustHold(slow.status === 200 && slow.ms >= 400, 'the delayed call takes 400 ms and succeeds');
    mustHold(aborted['418'] === 50 && others['200 v1'] === 50, 'only the tester gets 418');
    return [
      `in effect after ${ms} ms`,
      `delayed: ${slow.status} after ${slow.ms} ms; aborted: ${sharesText(aborted)}; others: ${sharesText(others)}`,
    ];
  },
};

export const retries: DemoStep = {
  title: 'Retries',
  about: 'v1 fails every call for a while. With retries on 5xx the callers notice nothing.',
  async run(mesh) {
    const without = await effectAfter(
      mesh,
      [routes({ route: to({ v1: 100 }), retries: { attempts: 0 } })],
      async () => {
        mesh.reviews.v1.failNext(1);
        return (await mesh.call()).status === 503;
      },
    );
    mesh.reviews.v1.failNext(10);
    const failing = await mesh.count(20);
    const retried = routes({ route: to({ v1: 100 }), retries: { attempts: 5, retryOn: '5xx' } });
    const ms = await effectAfter(mesh, [retried], async () => {
      mesh.reviews.v1.failNext(1);
      const { status } = await mesh.call();
      mesh.reviews.v1.failNext(0);
      return status === 200;
    });
    let failed = 0;
    for (let call = 0; call < 10; call++) {
      mesh.reviews.v1.failNext(2);
      if ((await mesh.call()).status !== 200) failed++;
    }
    mustHold(failing['503'] === 10, 'without retries the caller gets each failure');
    mustHold(failed === 0, 'with retries no caller gets one');
    return [
      `without retries (in effect after ${without} ms), 10 failures: ${sharesText(failing)}`,
      `with retries (in effect after ${ms} ms), two failures before each of 10 calls: ${failed} failed`,
    ];
  },
};

export const timeouts: DemoStep = {
  title: 'Timeout',
  about: 'v1 needs 2 s for each answer; the route allows 300 ms.',
  async run(mesh) {
    mesh.reviews.v1.delay(2_000);
    const rule = routes({ route: to({ v1: 100 }), timeout: '0.3s', retries: { attempts: 0 } });
    await effectAfter(mesh, [rule], async () => (await mesh.call()).status === 504);
    const late = await timed(mesh);
    mesh.reviews.v1.delay(0);
    mustHold(late.status === 504 && late.ms >= 290 && late.ms < 2_000, 'the caller gets 504 after 300 ms');
    return [`answer: ${late.status} after ${late.ms} ms`];
  },
};

const ejecting: Rule = {
  ...subsets,
  spec: {
    ...subsets.spec,
    trafficPolicy: {
      outlierDetection: { consecutive5xxErrors: 3, interval: '0.5s', baseEjectionTime: '2s', maxEjectionPercent: 50 },
    },
  },
};

export const ejection: DemoStep = {
  title: 'Ejection',
  about: 'v2 fails every call. After three failures the sidecar ejects it for 2 s; then it is tried again.',
  async run(mesh) {
    const plain = routes({ route: [{ destination: { host: 'reviews.demo' } }], retries: { attempts: 0 } });
    await effectAfter(mesh, [ejecting, plain], async () => (await mesh.count(40))['200 v2'] !== undefined);
    mesh.reviews.v2.failNext(Number.POSITIVE_INFINITY);
    const startedAt = performance.now();
    await eventually(async () => (await mesh.count(20))['503'] === undefined, { what: 'the ejection' });
    const ejectedMs = Math.round(performance.now() - startedAt);
    mesh.reviews.v2.failNext(0);
    const during = await mesh.count(100);
    await eventually(async () => (await mesh.count(20))['200 v2'] !== undefined, { what: 'the return' });
    const returnedMs = Math.round(performance.now() - startedAt);
    await mesh.apply(subsets);
    mustHold(during['503'] === undefined, 'no call goes to the ejected endpoint');
    return [
      `no failed call after ${ejectedMs} ms, then 100 calls: ${sharesText(during)}`,
      `back after ${returnedMs} ms`,
    ];
  },
};

export const registryOnly: DemoStep = {
  title: 'REGISTRY_ONLY',
  about: 'Calls to a name that no registry knows are refused with 502.',
  async run(mesh) {
    const rule: Rule = {
      apiVersion: 'mesh.binnacle.dev/v1',
      kind: 'MeshConfig',
      metadata: { name: 'default' },
      spec: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
    };
    const unknown = { host: 'nowhere.example' };
    const before = (await mesh.call(unknown)).status;
    const ms = await effectAfter(mesh, [rule, onlyV1], async () => (await mesh.call(unknown)).status === 502);
    const known = await mesh.count(50);
    await mesh.remove(rule);
    mustHold(known['200 v1'] === 50, 'calls to known services go on');
    return [`an unknown name: ${before} before, 502 after ${ms} ms`, `reviews meanwhile: ${sharesText(known)}`];
  },
};
