// The end of a login by an external provider: takes the token out of the address and goes on to what was asked for.
import { Alert, Button, Card, CardBody, Title } from '@patternfly/react-core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';

import { session } from '@/api/session';
import { usePageTitle } from '@/components/PageTitle';
import { Loading } from '@/components/States';
import type { LoginAnswer } from '@/lib/loginAnswer';
import { parseLoginAnswer } from '@/lib/loginAnswer';
import { Logo } from '@/shell/Logo';

export default function LoginAnswerPage() {
    usePageTitle('Logging in');
    // Read once; the token leaves the address at once, and so the history.
    const [answer] = useState(() => parseLoginAnswer(window.location.hash));
    const [mine] = useState(() => answer.kind === 'login' && session.takeLogin(answer.state));
    const navigate = useNavigate();
    useEffect(() => {
        window.history.replaceState(window.history.state, '', window.location.pathname);
    }, []);
    const enter = (token: string) => {
        session.begin(token);
        void navigate({ href: session.takeRequested(), replace: true });
    };
    useEffect(() => {
        if (mine && answer.kind === 'login') {
            session.begin(answer.token);
            void navigate({ href: session.takeRequested(), replace: true });
        }
    }, [answer, mine, navigate]);
    return (
        <main className="rox-login">
            <Logo />
            <Card isLarge>
                <CardBody className="rox-stack">
                    <Title headingLevel="h1">{answer.kind === 'test' || (answer.kind === 'failed' && answer.isTest) ? 'Test login' : 'Logging in'}</Title>
                    {mine ? <Loading label="Logging in" /> : <Answer answer={answer} onEnter={enter} />}
                </CardBody>
            </Card>
        </main>
    );
}

function Answer({ answer, onEnter }: { answer: LoginAnswer; onEnter: (token: string) => void }) {
    switch (answer.kind) {
        case 'login':
            // A link from elsewhere could log somebody in as somebody else, so it takes a person to go on.
            return (
                <>
                    <Alert isInline variant="info" component="p" title="This login was not begun in this window" />
                    <Button onClick={() => onEnter(answer.token)}>Continue to the portal</Button>
                </>
            );
        case 'test':
            return (
                <>
                    <Alert isInline variant="success" component="p" title={`The auth provider works: it logged in ${answer.user}`} />
                    <p>You can close this window.</p>
                </>
            );
        default:
            return (
                <>
                    <Alert isInline isLiveRegion variant="danger" component="p" title="The login has failed">
                        {answer.error}
                    </Alert>
                    {!answer.isTest && <Link to="/login">Back to the login page</Link>}
                </>
            );
    }
}
