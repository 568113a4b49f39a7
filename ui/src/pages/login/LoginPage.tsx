// The only page without a login.
import {
    ActionGroup, Alert, Button, Card, CardBody, Form, FormGroup, FormSelect, FormSelectOption, TextInput, Title,
} from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { FormEvent } from 'react';
import { useState } from 'react';

import { errorText } from '@/api/client';
import { loginWithPassword } from '@/api/login';
import { queries } from '@/api/queries';
import type { LoginProvider } from '@/api/rest';
import { session } from '@/api/session';
import { usePageTitle } from '@/components/PageTitle';
import { WithData } from '@/components/States';
import { ConnectionBanner } from '@/shell/Banners';
import { Logo } from '@/shell/Logo';

export default function LoginPage() {
    usePageTitle('Log in');
    const providers = useQuery(queries.loginProviders());
    const config = useQuery(queries.publicConfig());
    const notice = config.data?.loginNotice;
    return (
        <main className="rox-login">
            <Logo />
            <Card isLarge>
                <CardBody className="rox-stack">
                    <Title headingLevel="h1">Log in to your account</Title>
                    <ConnectionBanner />
                    {session.token() !== null ? (
                        <Link to="/main/dashboard">Go to Dashboard</Link>
                    ) : (
                        <>
                            {session.endedBy() === 'expiry' && (
                                <Alert isInline variant="warning" component="p" title="Your session has ended. Log in again." />
                            )}
                            <WithData result={providers}>
                                {({ authProviders }) =>
                                    authProviders.length === 0 ? (
                                        <Alert isInline variant="danger" component="p" title="No auth provider is set up" />
                                    ) : (
                                        <LoginForm providers={authProviders} />
                                    )
                                }
                            </WithData>
                            {notice?.enabled && notice.text !== '' && <p className="rox-notice">{notice.text}</p>}
                        </>
                    )}
                </CardBody>
            </Card>
        </main>
    );
}

function LoginForm({ providers }: { providers: LoginProvider[] }) {
    const [providerId, setProviderId] = useState(providers[0]?.id ?? '');
    const [username, setUsername] = useState('');
    const [password, setPassword] = useState('');
    const [failure, setFailure] = useState<string>();
    const [busy, setBusy] = useState(false);
    const navigate = useNavigate();
    const provider = providers.find(({ id }) => id === providerId) ?? providers[0];
    const isBasic = provider?.type === 'basic';

    const submit = async (event: FormEvent) => {
        event.preventDefault();
        if (provider === undefined) {
            return;
        }
        if (!isBasic) {
            const url = new URL(provider.loginUrl, window.location.origin);
            url.searchParams.set('clientState', session.beginLogin());
            window.location.assign(url);
            return;
        }
        setBusy(true);
        setFailure(undefined);
        try {
            await loginWithPassword(provider, username, password);
            await navigate({ href: session.takeRequested(), replace: true });
        } catch (error) {
            setFailure(errorText(error));
        } finally {
            setBusy(false);
        }
    };
    return (
        <Form onSubmit={(event) => void submit(event)}>
            {failure !== undefined && (
                <Alert isInline isLiveRegion variant="danger" component="p" title="The login has failed">
                    {failure}
                </Alert>
            )}
            <FormGroup label="Select an auth provider" fieldId="provider">
                <FormSelect
                    id="provider"
                    value={provider?.id}
                    isDisabled={providers.length === 1}
                    onChange={(_event, value) => setProviderId(value)}
                >
                    {providers.map(({ id, name }) => (
                        <FormSelectOption key={id} value={id} label={name} />
                    ))}
                </FormSelect>
            </FormGroup>
            {isBasic && (
                <>
                    <FormGroup label="Username" fieldId="username" isRequired>
                        <TextInput
                            id="username"
                            autoComplete="username"
                            isRequired
                            value={username}
                            onChange={(_event, value) => setUsername(value)}
                        />
                    </FormGroup>
                    <FormGroup label="Password" fieldId="password" isRequired>
                        <TextInput
                            id="password"
                            type="password"
                            autoComplete="current-password"
                            isRequired
                            value={password}
                            onChange={(_event, value) => setPassword(value)}
                        />
                    </FormGroup>
                </>
            )}
            <ActionGroup>
                <Button
                    type="submit"
                    isBlock
                    isLoading={busy}
                    isDisabled={busy || (isBasic && (username === '' || password === ''))}
                >
                    Log in
                </Button>
            </ActionGroup>
        </Form>
    );
}

