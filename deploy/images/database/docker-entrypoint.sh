#!/bin/bash
# The container of a database: become PostgreSQL over the cluster that init-entrypoint.sh
# made, with the chart's configuration files. Arguments go to postgres.
set -euo pipefail

export PGDATA=${PGDATA:-/var/lib/postgresql/data/pgdata}
config=${POSTGRES_CONFIG_DIR:-/etc/stackrox.d/config}

say() { printf 'docker-entrypoint: %s\n' "$*" >&2; }
die() {
    say "$@"
    exit 1
}

# A lock left by a killed server stops the next one when its process number is alive again:
# in a pod whose containers share process numbers that can be any of them. PostgreSQL
# looks only whether the number lives; this looks whether it is a PostgreSQL.
drop_stale_lock() {
    local lock=$PGDATA/postmaster.pid owner
    [[ -s $lock ]] || return 0
    read -r owner <"$lock"
    [[ $owner =~ ^[0-9]+$ && -r /proc/$owner/comm ]] || return 0
    if [[ $(<"/proc/$owner/comm") != postgres ]]; then
        say "process $owner of postmaster.pid is no PostgreSQL: removed the lock of a killed server"
        rm -f -- "$lock"
    fi
}

warn_if_full() {
    local free
    free=$(df --output=avail -k -- "$PGDATA" | tail -n 1 | tr -d ' ')
    # Two write-ahead segments: below that PostgreSQL may stop in the middle of its recovery.
    if ((free < 32 * 1024)); then
        say "the volume of $PGDATA has $free KiB left: enlarge the PersistentVolumeClaim; PostgreSQL goes on when there is room"
    fi
}

# Any other program, as a person does who looks into the image.
if (($#)) && [[ $1 != -* && $1 != postgres ]]; then
    exec "$@"
fi
[[ ${1:-} != postgres ]] || shift
[[ -s $PGDATA/PG_VERSION ]] || die "there is no database at $PGDATA: the init container makes it (init-entrypoint.sh)"
defaults=()
[[ " $* " == *config_file=* ]] || defaults+=(-c "config_file=$config/postgresql.conf")
[[ " $* " == *hba_file=* ]] || defaults+=(-c "hba_file=$config/pg_hba.conf")
drop_stale_lock
warn_if_full
exec postgres "${defaults[@]}" "$@"
