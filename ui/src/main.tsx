import '@patternfly/react-core/dist/styles/base.css';
import './app.css';

import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { createQueryClient } from './api/queries';
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
    // Nothing of one user's answers may be shown to the next; cleared once no page asks any more.
    void router.navigate({ to: '/login', search: {} }).then(() => client.clear());
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
