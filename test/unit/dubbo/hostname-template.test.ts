import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatHostname,
  type HostnameTemplate,
  parseHostnameTemplate,
  readHostname,
} from '../../../src/dubbo/hostname-template.ts';
import { serviceFault } from '../../../src/registry/normalise.ts';
import { runs } from '../../support/property-runs.ts';

const placeholders = ['interface', 'group', 'version'] as const;
const templateOf = (text: string): HostnameTemplate => {
  const template = parseHostnameTemplate(text, placeholders);
  if (!template.ok) throw new Error(template.error);
  return template.value;
};
const template = templateOf('{interface}.{group}.{version}.dubbo');
const hostnameFor = (iface: string, group = '', version = '') =>
  formatHostname(template, { interface: iface, group, version });

describe('hostnames of services', () => {
  for (const { parts, host } of [
    { parts: ['demo.GreetService'], host: 'demo._greet_service.dubbo' },
    { parts: ['demo.GreetService', 'g1', '1.0.0'], host: 'demo._greet_service.g-g1.v-1.0.0.dubbo' },
    { parts: ['demo.GreetService', '', '1.0.0-SNAPSHOT'], host: 'demo._greet_service.v-1.0.0-_s_n_a_p_s_h_o_t.dubbo' },
    { parts: ['a.Outer$Inner'], host: 'a._outer_024_inner.dubbo' },
    { parts: ['a_b'], host: 'a__b.dubbo' },
    { parts: ['g-x'], host: 'g_02dx.dubbo' },
    { parts: ['订单'], host: '_0e8_0ae_0a2_0e5_08d_095.dubbo' },
  ] as const) {
    it(`names ${parts.join(' / ')} ${host}`, () => {
      const [iface, group = '', version = ''] = parts as readonly [string, string?, string?];
      expect(hostnameFor(iface, group, version)).toEqual({ ok: true, value: host });
      expect(readHostname(template, host)).toEqual({ interface: iface, group, version });
    });
  }

  it('tells a version without a group from a group without a version', () => {
    expect(hostnameFor('a.B', 'A', '')).not.toEqual(hostnameFor('a.B', '', 'A'));
  });

  it('refuses an interface without a name, and names that are too long', () => {
    expect(hostnameFor('')).toEqual({ ok: false, error: 'its interface is empty' });
    expect(hostnameFor('x'.repeat(300))).toEqual({
      ok: false,
      error: 'its hostname would have 306 characters; 253 are possible',
    });
  });

  it('reads nothing from hostnames of others', () => {
    for (const host of ['reviews.default.svc.cluster.local', 'demo._.dubbo', 'dubbo', 'a.v-1.g-2.dubbo', '_01.dubbo'])
      expect(readHostname(template, host)).toBeNull();
  });

  const text = fc.oneof(
    fc.array(fc.integer({ min: 0, max: 0xd7ff }), { maxLength: 8 }).map((codes) => String.fromCharCode(...codes)),
    fc.string({ unit: fc.constantFrom('a', 'G', '.', '-', '_', '0', 'g', 'v'), maxLength: 8 }),
  );

  it('are legal and can be read back, whatever the parts and the order of the template', () => {
    const templates = [
      '{interface}.{group}.{version}.dubbo',
      'rpc.{interface}.{version}.{group}',
      '{interface}.{group}.{version}.v-a',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...templates), text, text, text, (form, iface, group, version) => {
        const parts = { interface: iface, group, version };
        const built = formatHostname(templateOf(form), parts);
        if (!built.ok) return;
        expect(serviceFault({ hostname: built.value, namespace: 'a', createdAtMs: 0 } as never)).toBeNull(); // what it reads
        expect(readHostname(templateOf(form), built.value)).toEqual(parts);
      }),
      { numRuns: runs(1_000) },
    );
  });
});

describe('parseHostnameTemplate', () => {
  for (const text of [
    '{interface}.dubbo',
    '{group}.{interface}.{version}',
    '{interface}{group}.{version}',
    '{interface}.{group}.{version}.{version}',
    '{interface}.x.{group}.{version}',
    'dubbo',
    '',
  ]) {
    it(`refuses '${text}'`, () => {
      expect(parseHostnameTemplate(text, placeholders)).toEqual({
        ok: false,
        error: 'must have the form [text]{interface}.{group}.{version}[text]',
      });
    });
  }

  it('refuses text that no hostname has', () => {
    expect(parseHostnameTemplate('{interface}.{group}.{version}.Dubbo', placeholders)).toMatchObject({ ok: false });
  });
});
