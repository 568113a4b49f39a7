// Browser tests of the built portal: PORTAL_URL and PORTAL_PASSWORD say where and how to log in.
import { defineConfig } from 'vitest/config';

export default defineConfig({
    test: {
        environment: 'node',
        include: ['tests/e2e/*.e2e.ts'],
        // Flows change what others look at (a policy is switched off), and Chromium is heavy.
        fileParallelism: false,
        testTimeout: 120_000,
        hookTimeout: 60_000,
    },
});
