import type { Draft } from '../draft';

/** What every step of the wizard gets. */
export interface StepProps {
    draft: Draft;
    onChange: (draft: Draft) => void;
}
