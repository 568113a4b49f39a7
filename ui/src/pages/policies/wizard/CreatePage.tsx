// The wizard for a new policy: an empty one, or one made of the filters in the address.
import { Alert, PageSection } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';

import { policyQueries } from '@/api/policies';
import { Loading } from '@/components/States';
import { errorText } from '@/api/client';
import { filterFromUrl, toQuery } from '@/lib/query';
import { useUrlSearch } from '@/lib/useUrlState';

import { draftOf, emptyDraft } from '../draft';

import { PolicyWizard } from './PolicyWizard';

export function CreatePage({ action }: { action: 'create' | 'generate' }) {
    const [search] = useUrlSearch();
    const query = action === 'generate' ? toQuery(filterFromUrl(search['s'])) : '';
    return query === '' ? <PolicyWizard action="create" initial={emptyDraft()} /> : <Generated query={query} />;
}

function Generated({ query }: { query: string }) {
    const result = useQuery(policyQueries.fromSearch(query));
    if (result.data === undefined) {
        return result.isError ? (
            <>
                <Note title="No policy could be made of the filters, so this one is empty" text={errorText(result.error)} />
                <PolicyWizard action="create" initial={emptyDraft()} />
            </>
        ) : (
            <Loading />
        );
    }
    const { policy, alteredSearchTerms, hasNestedFields } = result.data;
    const lost = alteredSearchTerms.join(', ');
    return (
        <>
            {lost !== '' && <Note title="Not all filters can be part of a policy" text={`These were left out or changed: ${lost}`} />}
            {hasNestedFields && (
                <Note title="The policy may find more than the filters did" text="Some criteria must hold for the same part of a deployment, which a search does not ask for." />
            )}
            <PolicyWizard action="generate" initial={policy === null ? emptyDraft() : draftOf(policy, 'generate')} />
        </>
    );
}

function Note({ title, text }: { title: string; text: string }) {
    return (
        <PageSection>
            <Alert isInline variant="warning" component="p" title={title}>
                {text}
            </Alert>
        </PageSection>
    );
}
