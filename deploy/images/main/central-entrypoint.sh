#!/bin/bash
# Start Central in a container: join the additional CAs to those of the system, then become
# Central. The chart mounts the additional CAs and, over a read-only root, empty
# directories for what is written; /etc/ssl is one of them, so the system's CAs come from
# the copy that the image keeps.
set -euo pipefail

system=${ROX_SYSTEM_CA_FILE:-/usr/local/share/pyrox/ca-certificates.crt}
additional=${ROX_ADDITIONAL_CA_DIR:-/usr/local/share/ca-certificates}
# OpenShift puts the CAs of the cluster's proxy here.
injected=${ROX_INJECTED_CA_FILE:-/etc/pki/injected-ca-trust/tls-ca-bundle.pem}

say() { printf 'central-entrypoint: %s\n' "$*" >&2; }

# Prints the first directory that can be written.
writable() {
    local directory
    for directory in "${SSL_CERT_DIR:-/etc/ssl/certs}" "${TMPDIR:-/tmp}/ca"; do
        if mkdir -p "$directory" 2>/dev/null && [[ -w $directory ]]; then
            printf '%s\n' "$directory"
            return
        fi
    done
    return 1
}

# Prints a file when it holds a certificate; one that does not must not spoil the rest.
certificates() {
    if ! grep -q -e '-----BEGIN CERTIFICATE-----' "$1" 2>/dev/null; then
        say "$1: no PEM certificate in it, left out"
        return
    fi
    cat -- "$1"
    # A file without a newline at its end would join two certificates on one line.
    echo
}

import() {
    local directory bundle file
    if ! directory=$(writable); then
        say "no directory to write the CA bundle to: the additional CAs are not used for outgoing connections"
        return
    fi
    bundle=$directory/ca-certificates.crt
    {
        [[ ! -s $system ]] || cat -- "$system"
        for file in "$additional"/*.crt "$injected"; do
            [[ ! -f $file ]] || certificates "$file"
        done
    } >"$bundle.new"
    mv -f -- "$bundle.new" "$bundle"
    export SSL_CERT_FILE=$bundle
}

import
exec central "$@"
