// Logging in.
import { request } from './client';
import type { LoginProvider, PublicConfig } from './rest';
import { session } from './session';

export const fetchLoginProviders = () => request<{ authProviders: LoginProvider[] }>('GET', '/v1/login/authproviders', { open: true });
export const fetchPublicConfig = () => request<PublicConfig>('GET', '/v1/config/public', { open: true });

export async function loginWithPassword(provider: LoginProvider, username: string, password: string): Promise<void> {
    const { token } = await request<{ token: string }>('POST', '/v1/authProviders/exchangeToken', {
        body: {
            external_token: new URLSearchParams({ username, password }).toString(),
            type: provider.type,
            state: provider.id,
        },
        open: true,
    });
    session.begin(token);
}
