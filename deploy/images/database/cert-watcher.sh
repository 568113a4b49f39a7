#!/bin/bash
# The sidecar of a database: have PostgreSQL read its certificate again when the mounted
# files change. Shares process numbers, user and volume with the server.
set -euo pipefail

export PGDATA=${PGDATA:-/var/lib/postgresql/data/pgdata}
certs=${CERT_WATCHER_DIR:-/run/secrets/stackrox.io/certs}
# As upstream's; Kubernetes itself takes up to a minute to bring a changed secret.
interval=${CERT_WATCHER_INTERVAL:-5}

say() { printf 'cert-watcher: %s\n' "$*" >&2; }

# Empty while a file is missing, as for an instant during a change.
fingerprint() { cat -- "$certs/server.crt" "$certs/server.key" 2>/dev/null | md5sum || true; }

# Without this, bash as the first process would ignore the request to end.
trap 'exit 0' TERM INT

known=$(fingerprint)
say "watching $certs every $interval s"
while :; do
    # In the background, so that the trap does not wait for its end.
    sleep "$interval" &
    wait $!
    seen=$(fingerprint)
    [[ $seen != "$known" ]] || continue
    if pg_ctl reload >/dev/null; then
        say "the certificate changed: PostgreSQL reads it again"
        known=$seen
    else
        say "the certificate changed, but PostgreSQL could not be told: trying again in $interval s"
    fi
done
