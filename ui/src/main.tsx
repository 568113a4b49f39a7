import '@patternfly/react-core/dist/styles/base.css';
import './app.css';

import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { createQueryClient, forgetAnswers } from './api/queries';
import { session } from './api/session';
import { createPortalRouter } from './router';
import { applyTheme } from './shell/theme';

applyTheme();
const client = createQueryClient();
const router = createPortalRouter();

session.onEnd(() => {
    if (session.endedBy() === 'expiry') {
        session.remember(router.state.location.href);
    }
    void router.navigate({ to: '/login', search: {} }).then(() => forgetAnswers(client));
});

// After an update of Central the old page's chunks are gone: load the new page, but only once.
const RELOADED = 'reloaded_for';
window.addEventListener('vite:preloadError', (event) => {
    const chunk = event.payload.message;
    if (sessionStorage.getItem(RELOADED) !== chunk) {
        sessionStorage.setItem(RELOADED, chunk);
        event.preventDefault();
        window.location.reload();
    }
});

const element = document.getElementById('root');
if (element !== null) {
    createRoot(element).render(
        <StrictMode>
            <QueryClientProvider client={client}>
                <RouterProvider router={router} />
            </QueryClientProvider>
        </StrictMode>
    );
}
