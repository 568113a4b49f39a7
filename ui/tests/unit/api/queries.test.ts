import { describe, expect, it } from 'vitest';

import { ApiError } from '@/api/client';
import { createQueryClient, forgetAnswers, queries } from '@/api/queries';
import { session } from '@/api/session';

describe('forgetAnswers', () => {
    it("drops one user's answers and keeps those that anybody may see", async () => {
        session.begin('fake-token');
        const client = createQueryClient();
        await client.fetchQuery(queries.policies());
        await client.fetchQuery(queries.loginProviders());
        forgetAnswers(client);
        expect(client.getQueryData(queries.policies().queryKey)).toBeUndefined();
        expect(client.getQueryData(queries.loginProviders().queryKey)?.authProviders).toHaveLength(1);
    });
});

describe('retrying', () => {
    const { retry, retryDelay } = createQueryClient().getDefaultOptions().queries ?? {};
    const retries = (status: number) => (typeof retry === 'function' ? retry(50, new ApiError('x', status)) : undefined);
    it.each([
        [0, true],
        [503, true],
        [400, false],
        [403, false],
        [500, false],
    ])('goes on after status %d: %s', (status, expected) => {
        expect(retries(status)).toBe(expected);
    });
    it('waits longer each time, up to five seconds', () => {
        const delays = [0, 1, 2, 3, 10].map((attempt) => (typeof retryDelay === 'function' ? retryDelay(attempt, new Error('x')) : 0));
        expect(delays).toEqual([500, 1000, 2000, 4000, 5000]);
    });
});
