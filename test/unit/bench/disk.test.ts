import { expect, it } from 'vitest';
import { fileSystemIn } from '../../bench/rules/disk.ts';

const mountinfo = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /tmp rw - tmpfs tmpfs rw
31 22 0:26 / /data rw,noatime shared:7 master:1 - xfs /dev/vdb rw
32 31 0:27 / /data rw - btrfs /dev/vdc rw
`;

for (const { path, want } of [
  { path: '/', want: 'ext4' },
  { path: '/home/ann', want: 'ext4' },
  { path: '/tmp', want: 'tmpfs' },
  { path: '/tmp/bench', want: 'tmpfs' },
  { path: '/tmpfiles', want: 'ext4' },
  { path: '/data/rules', want: 'btrfs' },
]) {
  it(`finds ${want} below ${path}`, () => {
    expect(fileSystemIn(mountinfo, path)).toBe(want);
  });
}
