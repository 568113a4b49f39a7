// What a page or table shows while it has nothing to show.
import {
    Alert, Bullseye, Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection, Spinner,
} from '@patternfly/react-core';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import SearchIcon from '@patternfly/react-icons/dist/esm/icons/search-icon';
import type { UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { ApiError, errorText } from '@/api/client';

import { usePageTitle } from './PageTitle';

export function Loading({ label = 'Loading...' }: { label?: string }) {
    return (
        <Bullseye className="rox-loading">
            <Spinner aria-label={label} />
        </Bullseye>
    );
}

export function ErrorState({ error }: { error: unknown }) {
    return (
        <EmptyState
            status="danger"
            icon={ExclamationCircleIcon}
            headingLevel="h2"
            titleText="An error has occurred. Try clearing any filters or refreshing the page"
        >
            <EmptyStateBody>{errorText(error)}</EmptyStateBody>
        </EmptyState>
    );
}

interface NoResultsProps {
    filtered: boolean;
    onClear?: () => void;
    text?: string;
}

export function NoResults({ filtered, onClear, text }: NoResultsProps) {
    if (!filtered) {
        return <EmptyState headingLevel="h2" icon={SearchIcon} titleText={text ?? 'No results found'} />;
    }
    return (
        <EmptyState headingLevel="h2" icon={SearchIcon} titleText="No results found">
            <EmptyStateBody>No results were found with the applied filters.</EmptyStateBody>
            {onClear !== undefined && (
                <EmptyStateFooter>
                    <EmptyStateActions>
                        <Button variant="link" onClick={onClear}>
                            Clear filters
                        </Button>
                    </EmptyStateActions>
                </EmptyStateFooter>
            )}
        </EmptyState>
    );
}

export function PageNotFound() {
    usePageTitle('Page not found');
    return (
        <PageSection isFilled>
            <EmptyState headingLevel="h1" icon={SearchIcon} titleText="Cannot find the page">
                <EmptyStateBody>There is no such page, or your role may not see it.</EmptyStateBody>
                <EmptyStateFooter>
                    <Link to="/main/dashboard">Go to dashboard</Link>
                </EmptyStateFooter>
            </EmptyState>
        </PageSection>
    );
}

interface WithDataProps<Data> {
    result: UseQueryResult<Data>;
    children: (data: Data) => ReactNode;
    /** The headline when the object does not exist. */
    missing?: string;
}

/** A part of a page that waits for one answer; old data stay while a new answer is on its way. */
export function WithData<Data>({ result, children, missing }: WithDataProps<Data>) {
    if (result.data !== undefined) {
        return (
            <>
                {result.isError && (
                    <Alert isInline variant="warning" component="p" title="These data may be out of date">
                        {errorText(result.error)}
                    </Alert>
                )}
                {children(result.data)}
            </>
        );
    }
    if (result.isError) {
        if (missing !== undefined && result.error instanceof ApiError && result.error.status === 404) {
            return <EmptyState headingLevel="h1" icon={SearchIcon} titleText={missing} />;
        }
        return <ErrorState error={result.error} />;
    }
    return <Loading />;
}
