#!/bin/bash
# The init container of a database: make the cluster of files at PGDATA when there is none.
# It may be killed at any moment and run again; it never changes a cluster that is there.
#
#   PGDATA                  where the cluster lies; a directory of a mounted volume
#   POSTGRES_PASSWORD_FILE  holds the password of the user postgres
set -euo pipefail

PGDATA=${PGDATA:-/var/lib/postgresql/data/pgdata}
password=${POSTGRES_PASSWORD_FILE:-/run/secrets/stackrox.io/secrets/password}
volume=$(dirname -- "$PGDATA")
unfinished=$PGDATA.unfinished
# A new cluster takes 40 MB and its first write-ahead segments 32 MB.
needed_kib=$((96 * 1024))

say() { printf 'init-entrypoint: %s\n' "$*" >&2; }
die() {
    say "$@"
    exit 1
}

free_kib() { df --output=avail -k -- "$volume" | tail -n 1 | tr -d ' '; }

full() {
    die "the volume at $volume has $(free_kib) KiB left and a new database needs $needed_kib KiB:" \
        "enlarge the PersistentVolumeClaim or free space; this container tries again by itself"
}

# "postgres (PostgreSQL) 17.6 (Debian …)" to "17".
major() { postgres --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'; }

check_existing() {
    local found wanted
    found=$(<"$PGDATA/PG_VERSION")
    wanted=$(major)
    if [[ $found == "$wanted" ]]; then
        say "the database at $PGDATA is there (PostgreSQL $found)"
    elif ((${found%%.*} < wanted)); then
        die "the database at $PGDATA was made by PostgreSQL $found and this image holds $wanted, which cannot" \
            "read it. Nothing was changed. Go back to the previous image, make a backup with" \
            "'roxctl central backup', then install this version on an empty volume and restore"
    else
        die "the database at $PGDATA was made by PostgreSQL $found, newer than this image's $wanted." \
            "Nothing was changed. Use the image that it ran with last"
    fi
}

initialise() {
    [[ -s $password ]] || die "$password is missing or empty: it must hold the password of the user postgres"
    rm -rf -- "$unfinished"
    (($(free_kib) >= needed_kib)) || full
    # Into a directory beside: what bears the final name is always whole.
    if ! initdb --pgdata="$unfinished" --username=postgres --pwfile="$password" --encoding=UTF8 \
        --locale=C.UTF-8 --data-checksums --auth-local=scram-sha-256 --auth-host=scram-sha-256 >/dev/null; then
        (($(free_kib) >= needed_kib / 2)) || full
        die "initdb failed: its reason is above"
    fi
    mv -T -- "$unfinished" "$PGDATA"
    sync -- "$volume"
    say "made the database at $PGDATA (PostgreSQL $(major), with checksums)"
}

[[ -d $volume ]] || die "$volume is not there: mount the volume of the database"
[[ -w $volume ]] || die "$volume cannot be written by user $(id -u): its group must be that of the pod's fsGroup"
if [[ -s $PGDATA/PG_VERSION ]]; then
    check_existing
    exit
fi
if [[ -d $PGDATA ]] && [[ -n $(ls -A -- "$PGDATA") ]]; then
    die "$PGDATA holds files but no database. Nothing was changed: look at them, then empty the directory"
fi
initialise
