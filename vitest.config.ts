import { defineConfig } from 'vitest/config';

// The timeouts end what hangs. They say nothing about speed: a busy machine may be ten times as slow.
export default defineConfig({
  test: { include: ['test/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
});
