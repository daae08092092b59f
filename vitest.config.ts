import { defineConfig } from 'vitest/config';

// The timeouts end what hangs. They say nothing about speed: a busy machine may be ten times as slow.
const timeouts = { testTimeout: 120_000, hookTimeout: 120_000 };
const withCluster = 'test/kubernetes/**/*.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'tests', include: ['test/**/*.test.ts'], exclude: [withCluster, 'node_modules/**'], ...timeouts },
      },
      {
        // One file at a time: a cluster needs 500 MB. Last, because its programs are still being built on a new machine.
        test: {
          name: 'kubernetes',
          include: [withCluster],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          globalSetup: 'test/support/kubernetes/keeper.ts',
          ...timeouts,
        },
      },
    ],
  },
});
