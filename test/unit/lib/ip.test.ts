import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalIp, isEveryAddress } from '../../../src/lib/ip.ts';

test('an IPv6 address gets the canonical form of the URL standard', () => {
  const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(0xffff), fc.nat(0xf));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), fc.nat(3), fc.boolean(), (groups, width, upper) => {
      const plain = groups.map((it) => it.toString(16).padStart(width, '0')).join(':');
      const canonical = new URL(`http://[${plain}]`).hostname.slice(1, -1);
      expect(canonicalIp(upper ? plain.toUpperCase() : plain)).toBe(canonical);
      expect(canonicalIp(canonical)).toBe(canonical);
      const shortened = plain.replace(/(^|:)0+(:|$)/, '::').replace(':::', '::');
      if (URL.canParse(`http://[${shortened}]`)) {
        expect(canonicalIp(shortened)).toBe(new URL(`http://[${shortened}]`).hostname.slice(1, -1));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a wildcard address is detected in any notation', () => {
  for (const every of ['0.0.0.0', '::', '0:0::0', '0.0.0.0/0', '10.0.0.0/0', '::/0', '0.0.0.0/32']) {
    expect(isEveryAddress(every), every).toBe(true);
  }
  for (const one of ['10.0.0.0', '10.0.0.0/8', '::1', 'fd00::/8']) expect(isEveryAddress(one), one).toBe(false);
});
