// What a login elsewhere brings back in the fragment of the address.

export type LoginAnswer =
    | { kind: 'login'; token: string; state: string }
    | { kind: 'test'; user: string }
    | { kind: 'failed'; error: string; isTest: boolean };

function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

/** A test's user is the login status as JSON in base64 (RFC 4648, URL alphabet); its name is all that is shown. */
function userName(encoded: string): string {
    try {
        const bytes = Uint8Array.from(atob(encoded.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
        const { userInfo, userId } = JSON.parse(new TextDecoder().decode(bytes)) as { userInfo?: { username?: string }; userId?: string };
        return userInfo?.username || userId || 'a user without a name';
    } catch {
        return 'a user whose attributes cannot be read';
    }
}

/** Central escapes the fragment as a whole, beyond the escapes of its values. */
export function parseLoginAnswer(fragment: string): LoginAnswer {
    const fields = new URLSearchParams(decoded(fragment.replace(/^#/, '').slice(0, 100_000)));
    const isTest = fields.get('test') === 'true';
    const error = fields.get('error') ?? '';
    if (error !== '') {
        return { kind: 'failed', error: fields.get('error_description') ?? error, isTest };
    }
    if (isTest) {
        return { kind: 'test', user: userName(fields.get('user') ?? '') };
    }
    const token = fields.get('token') ?? '';
    return token === ''
        ? { kind: 'failed', error: 'The answer of the auth provider holds no token', isTest }
        : { kind: 'login', token, state: fields.get('state') ?? '' };
}
