// Chromium on the portal. Every flow ends with the same checks: no console error, no request to
// another origin, no serious accessibility finding, and a screenshot of each page.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { expect } from 'vitest';

export const URL_BASE = (process.env['PORTAL_URL'] ?? 'http://127.0.0.1:5174').replace(/\/$/, '');
export const USER = process.env['PORTAL_USER'] ?? 'admin';
export const PASSWORD = process.env['PORTAL_PASSWORD'] ?? 'letmein';
const SCREENSHOTS = process.env['PORTAL_SCREENSHOTS'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Chromium of a test machine may not call home, and runs as root there.
const ARGUMENTS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const PATIENCE_MS = 20_000;

export interface Visit {
    page: Page;
    context: BrowserContext;
    /** Console errors and page errors so far; a flow that provokes some empties it. */
    problems: string[];
    close: () => Promise<void>;
}

let browser: Browser | undefined;

async function launched(): Promise<Browser> {
    browser ??= await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ARGUMENTS });
    return browser;
}

export async function stopBrowser(): Promise<void> {
    await browser?.close();
    browser = undefined;
}

export async function visit(colorScheme: 'light' | 'dark' = 'light'): Promise<Visit> {
    const context = await (await launched()).newContext({
        viewport: { width: 1440, height: 900 },
        colorScheme,
        // What fades in has too little contrast until it is there.
        reducedMotion: 'reduce',
        // The certificate of a test Central names its service, not this address.
        ignoreHTTPSErrors: true,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const problems: string[] = [];
    page.on('console', (message) => {
        // Chromium notes what Central says that it does not serve; the pages do without.
        if (message.type() === 'error' && !message.text().includes('501 (Not Implemented)')) {
            problems.push(`console: ${message.text()} (${message.location().url})`);
        }
    });
    page.on('pageerror', (error) => problems.push(`page: ${error.message}`));
    page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(URL_BASE) && !url.startsWith('data:') && !url.startsWith('blob:')) {
            problems.push(`request to another origin: ${url}`);
        }
    });
    return { page, context, problems, close: () => context.close() };
}

export async function logIn(page: Page, at = '/main/dashboard'): Promise<void> {
    await page.goto(URL_BASE + at);
    await page.getByLabel('Username').fill(USER);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('navigation', { name: 'Main navigation' }).waitFor();
}

export async function heading(page: Page, name: string | RegExp): Promise<void> {
    await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Waits until nothing is loading any more. */
export async function settled(page: Page): Promise<void> {
    await page.waitForFunction(() => document.querySelector('[role="progressbar"]') === null);
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
}

export async function shot(page: Page, name: string): Promise<void> {
    if (SCREENSHOTS !== undefined) {
        mkdirSync(SCREENSHOTS, { recursive: true });
        await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
    }
}

/** Serious and critical accessibility findings, as rule and element. */
export async function seriousFindings(page: Page): Promise<string[]> {
    await page.evaluate(AXE);
    const results = await page.evaluate(() => (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run());
    return results.violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}

/** What every page must pass. */
export async function check({ page, problems }: Visit, name: string): Promise<void> {
    await settled(page);
    await shot(page, name);
    expect(await page.getByRole('heading', { level: 1 }).count(), `${name} has one main heading`).toBe(1);
    expect(await page.title()).toMatch(/ \| PyRox$/);
    expect(await seriousFindings(page), `accessibility of ${name}`).toEqual([]);
    expect(problems, `problems on ${name}`).toEqual([]);
}

/** Asks Central itself, as the logged-in user, without a console entry when it refuses. */
export async function api<Answer>(page: Page, address: string, init: { method?: string; body?: unknown } = {}): Promise<{ status: number; body: Answer }> {
    const token = await page.evaluate(() => localStorage.getItem('access_token'));
    const response = await page.request.fetch(URL_BASE + address, {
        method: init.method ?? 'GET',
        headers: token === null ? {} : { Authorization: `Bearer ${token}` },
        data: init.body,
    });
    const text = await response.text();
    return { status: response.status(), body: (text.startsWith('{') ? JSON.parse(text) : {}) as Answer };
}
