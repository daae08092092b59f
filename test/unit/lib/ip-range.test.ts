import { expect, test } from 'vitest';
import { canonicalRange } from '../../../src/lib/ip-range.ts';

for (const { text, want } of [
  { text: '10.1.2.3', want: '10.1.2.3' },
  { text: '10.1.2.3/32', want: '10.1.2.3' },
  { text: '10.1.2.3/8', want: '10.0.0.0/8' },
  { text: '172.31.255.255/12', want: '172.16.0.0/12' },
  { text: '10.1.2.3/0', want: '0.0.0.0/0' },
  { text: 'FD00:0::1', want: 'fd00::1' },
  { text: 'fd00::1/128', want: 'fd00::1' },
  { text: 'FD00:1:2:3:4:5:6:7/20', want: 'fd00::/20' },
  { text: '2001:db8:ffff::1/33', want: '2001:db8:8000::/33' },
  { text: '::/0', want: '::/0' },
]) {
  test(`the canonical form of ${text} is ${want}`, () => expect(canonicalRange(text)).toBe(want));
}
