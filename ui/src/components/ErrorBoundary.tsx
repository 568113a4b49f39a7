// Keeps the shell when a page breaks.
import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from '@patternfly/react-core';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import type { ReactNode } from 'react';
import { Component } from 'react';

interface Props {
    /** A new value (the address) shows the children again. */
    resetKey: string;
    children: ReactNode;
}

export class ErrorBoundary extends Component<Props, { error: Error | null }> {
    override state: { error: Error | null } = { error: null };

    static getDerivedStateFromError(error: Error) {
        return { error };
    }

    override componentDidUpdate(before: Props) {
        if (before.resetKey !== this.props.resetKey && this.state.error !== null) {
            this.setState({ error: null });
        }
    }

    override render() {
        return this.state.error === null ? (
            this.props.children
        ) : (
            <BrokenPage error={this.state.error} onRetry={() => this.setState({ error: null })} />
        );
    }
}

export function BrokenPage({ error, onRetry }: { error: Error; onRetry: () => void }) {
    return (
        <EmptyState status="danger" icon={ExclamationCircleIcon} headingLevel="h1" titleText="This page has failed">
            <EmptyStateBody>
                The rest of the portal still works. If trying again does not help, reload the page. ({error.message})
            </EmptyStateBody>
            <EmptyStateFooter>
                <EmptyStateActions>
                    <Button onClick={onRetry}>Try again</Button>
                    <Button variant="link" onClick={() => window.location.reload()}>
                        Reload
                    </Button>
                </EmptyStateActions>
            </EmptyStateFooter>
        </EmptyState>
    );
}
