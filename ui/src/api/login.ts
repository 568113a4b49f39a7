// Logging in and out.
import { get, request } from './client';
import type { LoginProvider, PublicConfig } from './rest';
import { session } from './session';

export const fetchLoginProviders = () => get<{ authProviders: LoginProvider[] }>('/v1/login/authproviders');
export const fetchPublicConfig = () => get<PublicConfig>('/v1/config/public');

export async function loginWithPassword(provider: LoginProvider, username: string, password: string): Promise<void> {
    const { token } = await request<{ token: string }>('POST', '/v1/authProviders/exchangeToken', {
        body: {
            external_token: new URLSearchParams({ username, password }).toString(),
            type: provider.type,
            state: provider.id,
        },
        endsSession: false,
    });
    session.begin(token);
}

export async function logout(): Promise<void> {
    try {
        await request('POST', '/sso/session/logout', { endsSession: false });
    } finally {
        session.logout();
    }
}
