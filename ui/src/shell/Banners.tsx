// Notices above every page: Central is gone or back, the database is gone, the portal is outdated, the session ends.
import { Alert, AlertActionCloseButton, AlertActionLink, Banner } from '@patternfly/react-core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';

import { connection } from '@/api/connection';
import { queries } from '@/api/queries';
import type { Banner as PublicBanner } from '@/api/rest';
import { session } from '@/api/session';
import { distance } from '@/lib/format';
import { useNow } from '@/lib/useNow';

import { usePermissions } from './permissions';

const METADATA_MS = 10_000;
const METADATA_WHILE_GONE_MS = 1_000;
const RECOVERED_NOTICE_MS = 8_000;
const SESSION_NOTICE_MS = 5 * 60_000;
const DAY_MS = 86_400_000;
const CREDENTIAL_NOTICE_MS = 14 * DAY_MS;
const CREDENTIAL_DANGER_MS = 3 * DAY_MS;
// setTimeout counts in 32 bits; an API's "never" lies far beyond.
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export function Banners() {
    const state = useSyncExternalStore(connection.subscribe, connection.state);
    const gone = state === 'unreachable';
    return (
        <div className="rox-banners">
            <ConnectionBanner />
            {!gone && <DatabaseBanner />}
            <VersionBanner gone={gone} />
            <CredentialBanner />
            <SessionBanner />
        </div>
    );
}

/** Also on the login page, which has nothing to show without Central. */
export function ConnectionBanner() {
    const state = useSyncExternalStore(connection.subscribe, connection.state);
    const client = useQueryClient();
    useEffect(() => {
        if (state !== 'recovered') {
            return undefined;
        }
        // What was shown may be from before the break.
        void client.invalidateQueries();
        const timer = setTimeout(connection.acknowledge, RECOVERED_NOTICE_MS);
        return () => clearTimeout(timer);
    }, [client, state]);
    if (state === 'unreachable') {
        return (
            <Alert isInline variant="danger" component="p" title="Central cannot be reached. Trying again…" isLiveRegion />
        );
    }
    if (state === 'recovered') {
        return (
            <Alert
                isInline
                variant="success"
                component="p"
                title="Central is reachable again"
                isLiveRegion
                actionClose={<AlertActionCloseButton onClose={connection.acknowledge} />}
            />
        );
    }
    return null;
}

function DatabaseBanner() {
    const { data } = useQuery(queries.databaseStatus());
    return data?.databaseAvailable === false ? (
        <Alert isInline variant="danger" component="p" title="Central's database is not available" />
    ) : null;
}

function VersionBanner({ gone }: { gone: boolean }) {
    const { data } = useQuery({ ...queries.metadata(), refetchInterval: gone ? METADATA_WHILE_GONE_MS : METADATA_MS });
    const first = useRef<string>(undefined);
    const version = data?.version;
    const [outdated, setOutdated] = useState(false);
    useEffect(() => {
        first.current ??= version;
        setOutdated(version !== undefined && version !== first.current);
    }, [version]);
    return outdated ? (
        <Alert
            isInline
            variant="warning"
            component="p"
            title="Central has a new version; this page is from the old one"
            actionLinks={<AlertActionLink onClick={() => window.location.reload()}>Refresh</AlertActionLink>}
        />
    ) : null;
}

function SessionBanner() {
    const { data } = useQuery(queries.authStatus());
    const [now, setNow] = useState(() => Date.now());
    const expires = data?.expires ? Date.parse(data.expires) : NaN;
    useEffect(() => {
        const left = expires - Date.now();
        if (Number.isNaN(left) || left > LONGEST_TIMEOUT_MS) {
            return undefined;
        }
        const wake = setTimeout(() => setNow(Date.now()), Math.max(left - SESSION_NOTICE_MS, 0));
        const over = setTimeout(session.expire, Math.max(left, 0));
        return () => {
            clearTimeout(wake);
            clearTimeout(over);
        };
    }, [expires]);
    return expires - now <= SESSION_NOTICE_MS ? (
        <Alert
            isInline
            variant="warning"
            component="p"
            title={`Your session ends in ${distance(data?.expires, now)}`}
            actionLinks={<AlertActionLink onClick={session.expire}>Log in again</AlertActionLink>}
        />
    ) : null;
}

/** Central's own certificate: once it has expired, no Sensor and no browser reaches Central any more. */
function CredentialBanner() {
    const { read } = usePermissions();
    const { data } = useQuery({ ...queries.centralExpiry(), enabled: read('Administration') });
    const now = useNow();
    const left = data ? Date.parse(data) - now : NaN;
    if (Number.isNaN(left) || left > CREDENTIAL_NOTICE_MS) {
        return null;
    }
    return (
        <Alert
            isInline
            variant={left > CREDENTIAL_DANGER_MS ? 'warning' : 'danger'}
            component="p"
            title={left > 0 ? `Central's certificate expires in ${distance(data, now)}` : "Central's certificate has expired"}
        />
    );
}

const SAFE_COLOR = /^(#[0-9a-f]{3,8}|[a-z]{1,30})$/i;

/** The administrator's own line above and below every page. */
export function PublicBanner({ place }: { place: 'header' | 'footer' }) {
    const { data } = useQuery(queries.publicConfig());
    const banner: PublicBanner | null | undefined = data?.[place];
    if (!banner?.enabled || banner.text === '') {
        return null;
    }
    const color = (value: string) => (SAFE_COLOR.test(value) ? value : undefined);
    return (
        <Banner screenReaderText={`Notice of the administrator (${place})`}>
            <div style={{ color: color(banner.color), backgroundColor: color(banner.backgroundColor), textAlign: 'center' }}>
                {banner.text}
            </div>
        </Banner>
    );
}
