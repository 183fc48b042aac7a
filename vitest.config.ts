import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Emulators and compilers share the machine with the tests: more workers than cores only slow each other down.
    maxWorkers: 2,
    pool: 'forks',
    reporters: ['default', ['json', { outputFile: 'build/test-report.json' }]],
  },
});
