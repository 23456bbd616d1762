import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest begins first, so that nobody waits for it alone in the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith('podinfo.test.ts');
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: [process.env['SOAK'] === '1' ? 'test/cluster/**/*.test.ts' : 'test/cluster/*.test.ts'],
    globalSetup: [join(import.meta.dirname, 'harness/global-setup.ts')],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    // Most of a scenario is waiting, so three at a time fit two cores.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    retry: 0,
  },
});
