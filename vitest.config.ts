import { defineConfig } from 'vitest/config';

// The timeouts end what hangs. They say nothing about speed: a busy machine may be ten times as slow.
const timeouts = { testTimeout: 120_000, hookTimeout: 120_000 };
const withCluster = 'test/kubernetes/**/*.test.ts';
const withRegistries = 'test/registries/**/*.test.ts';
/** Tests that run the sources in their own process. */
const unit = 'test/{unit,conversation}/**/*.test.ts';

export default defineConfig({
  test: {
    // `npm test` measures the project `unit`, with --coverage (CONTRIBUTING.md).
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'adapters/**/*.ts'],
      exclude: ['src/proto/gen/**'],
      reporter: ['json-summary'],
      reportsDirectory: '.cache/coverage',
    },
    projects: [
      { test: { name: 'unit', include: [unit], ...timeouts } },
      {
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [unit, withCluster, withRegistries],
          ...timeouts,
        },
      },
      {
        // One file at a time: each starts Java programs, which take a minute on a busy machine.
        test: {
          name: 'registries',
          include: [withRegistries],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        // One file at a time: a cluster needs 500 MB. Last, because its programs are still being built on a new machine.
        test: {
          name: 'kubernetes',
          include: [withCluster],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          globalSetup: 'test/support/kubernetes/keeper.ts',
          ...timeouts,
        },
      },
    ],
  },
});
