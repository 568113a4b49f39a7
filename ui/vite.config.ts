// Build, development server and unit tests of the portal.
// PYROX_PORTAL_FAKE=1 answers the API from dev/; otherwise it is proxied to PYROX_CENTRAL.
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import type { PluginOption } from 'vite';
import { defineConfig } from 'vitest/config';

import { fakeCentral } from './dev/fake-central.ts';

const fake = process.env['PYROX_PORTAL_FAKE'] === '1';
const central = process.env['PYROX_CENTRAL'] ?? 'https://localhost:8443';
const proxied = ['/v1', '/v2', '/api', '/docs', '/sso'];
const proxy = fake
    ? undefined
    : Object.fromEntries(
          proxied.map((prefix) => [prefix, { target: central, secure: false, changeOrigin: true }])
      );

const plugins: PluginOption[] = [react()];
if (fake) {
    plugins.push(fakeCentral());
}

export default defineConfig({
    plugins,
    resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
    // Central serves /static/* as immutable files and index.html for every other path.
    build: {
        assetsDir: 'static',
        target: 'es2022',
        sourcemap: false,
        reportCompressedSize: false,
        chunkSizeWarningLimit: 800,
    },
    server: { host: '127.0.0.1', port: 5173, proxy },
    preview: { host: '127.0.0.1', port: 5174, proxy },
    test: {
        environment: 'jsdom',
        include: ['src/**/*.test.{ts,tsx}', 'tests/unit/**/*.test.{ts,tsx}'],
        setupFiles: ['tests/setup.ts'],
        css: false,
        // PatternFly imports its styles from modules, which only the bundler understands.
        server: { deps: { inline: [/@patternfly\/.*/] } },
    },
});
