import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseNacosHostnames } from '../../../../adapters/nacos/hostnames.ts';
import { runs } from '../../../support/property-runs.ts';

const none = { namespace: null, group: null };

function template(
  text = '{service}.{group}.{namespace}.nacos',
  fixed: { namespace: string | null; group: string | null } = none,
) {
  const parsed = parseNacosHostnames(text, fixed);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const service = (group: string, name: string, namespace = 'public') => ({ namespace, group, name });

describe('the hostname of a service of Nacos', () => {
  for (const { name, host } of [
    { name: service('DEFAULT_GROUP', 'orders'), host: 'orders.default-group.public.nacos' },
    { name: service('default-group', 'orders'), host: 'orders._64efault-group.public.nacos' },
    { name: service('A_B', 'orders'), host: 'orders._a___b.public.nacos' },
    { name: service('A-B', 'orders'), host: 'orders._a-_b.public.nacos' },
    { name: service('g', 'com.acme.OrderService'), host: 'com.acme._order_service.g.public.nacos' },
    { name: service('g.1', 'a..b.'), host: 'a_2e.b_2e.g_2e1.public.nacos' },
    { name: service('g', '-a-'), host: '_2da_2d.g.public.nacos' },
    { name: service('g@1', 'a@@b'), host: 'a_40_40b.g_401.public.nacos' },
    { name: service('{service}', '{{1}}'), host: '_7b_7b1_7d_7d._7bservice_7d.public.nacos' },
    {
      name: service('g', 'providers:demo.GreetService:1.0.0:g1'),
      host: 'providers_3ademo._greet_service_3a1.0.0_3ag1.g.public.nacos',
    },
    { name: service('g', 'straße'), host: 'stra_0c3_09fe.g.public.nacos' },
  ]) {
    test(`of ${name.group} ${name.name} is ${host}, and leads back to it`, () => {
      expect(template().hostnameOf(name)).toEqual({ ok: true, value: host });
      expect(template().nameOf(host)).toEqual(name);
    });
  }

  test('is a legal name that leads back to the service, whatever the service is called', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const similar = fc.stringMatching(/^[aA_.:@-]{1,6}$/);
    const part = fc.oneof(text, similar);
    fc.assert(
      fc.property(part, part, part, (namespace, group, name) => {
        const host = template().hostnameOf({ namespace, group, name });
        if (!host.ok) return;
        expect(host.value).toMatch(/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/);
        expect(template().nameOf(host.value)).toEqual({ namespace, group, name });
      }),
      { numRuns: runs(500) },
    );
  });

  test('may leave out what is the same for all services', () => {
    const short = template('{service}.shop.example', { namespace: 'public', group: 'G' });
    expect(short.hostnameOf(service('G', 'orders'))).toEqual({ ok: true, value: 'orders.shop.example' });
    expect(short.nameOf('orders.shop.example')).toEqual(service('G', 'orders'));
    expect(short.nameOf('orders.other.example')).toBeNull();
  });

  test('is refused when it is too long for DNS', () => {
    expect(template().hostnameOf(service('g', 'a'.repeat(64))).ok).toBe(false);
    expect(template().hostnameOf(service('g', Array.from({ length: 64 }, () => 'abc').join('.'))).ok).toBe(false);
  });

  for (const { text, fault } of [
    { text: '{service}.nacos', fault: 'needs {namespace}' },
    { text: '{group}.{namespace}.nacos', fault: 'needs {service}' },
    { text: '{service}.{service}.{group}.{namespace}', fault: 'twice' },
    { text: '{service}-{group}.{namespace}', fault: 'labels' },
    { text: '{service}.{group}.{namespace}.Nacos', fault: 'labels' },
    { text: '{service}..{group}.{namespace}', fault: 'labels' },
    { text: '{service}.{zone}', fault: 'labels' },
  ]) {
    test(`cannot be made by ${text}`, () => {
      expect(parseNacosHostnames(text, none)).toMatchObject({ ok: false, error: expect.stringContaining(fault) });
    });
  }
});
