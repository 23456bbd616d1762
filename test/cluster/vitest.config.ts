import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: [process.env['SOAK'] === '1' ? 'test/cluster/**/*.test.ts' : 'test/cluster/*.test.ts'],
    globalSetup: [join(import.meta.dirname, 'harness/global-setup.ts')],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    // Most of a scenario is waiting, so two at a time fit two cores.
    maxWorkers: 2,
    retry: 0,
  },
});
