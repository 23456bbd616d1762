import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: ['test/cluster/**', 'node_modules/**'],
    // Against a test that never ends, not a measure: on a busy machine everything takes many times longer.
    testTimeout: 300_000,
    // The process tests wait more than they compute.
    maxWorkers: 3,
    // Each of them is a cluster with its traffic in this process: with more, its answers come late.
    maxConcurrency: 8,
  },
});
