import { expect, it } from 'vitest';
import { createCompiler } from '../../../../src/compile/compiler.ts';
import { likelyProxies } from '../../../../src/push/first-compile/likely-proxies.ts';
import { service } from '../../../support/world.ts';

it('are sidecars of the default namespace, then of namespaces with the most services', () => {
  const compiler = createCompiler();
  const services = [
    service('a', { namespace: 'few' }),
    ...['b', 'c'].map((name) => service(name, { namespace: 'many' })),
  ];
  compiler.apply(services.map((one) => ({ type: 'service', service: one })));

  expect([...likelyProxies(compiler.mesh)]).toMatchObject([
    { namespace: 'default', dnsDomain: 'default.svc.cluster.local', role: 'sidecar', interception: 'redirect' },
    { namespace: 'many', dnsDomain: 'many.svc.cluster.local' },
    { namespace: 'few', dnsDomain: 'few.svc.cluster.local' },
  ]);
});

it('include services that are added after the first proxy was read', () => {
  const compiler = createCompiler();
  const likely = likelyProxies(compiler.mesh);
  likely.next();
  compiler.apply([{ type: 'service', service: service('a', { namespace: 'shop' }) }]);

  expect([...likely].map(({ namespace }) => namespace)).toEqual(['shop']);
});

it('have the scope of an ordinary sidecar', () => {
  const compiler = createCompiler();
  const [likely] = likelyProxies(compiler.mesh);
  if (likely === undefined) throw new Error('no proxy is likely');
  const real = { ...likely, id: 'sidecar~10.0.0.1~web-1.default~default.svc.cluster.local', addresses: ['10.0.0.1'] };

  expect(compiler.layersOf(likely)).toEqual(
    compiler.layersOf({ ...real, labels: { app: 'web' }, cluster: 'web.default' }),
  );
});
