#!/bin/sh
# Install Debian packages and leave nothing behind but them: packages.sh NAME...
# `without=NAME,NAME` in the environment takes packages out again that are only needed to
# install, or that the image does not use. Run by the Containerfiles.
set -eu

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# A later installation must not bring back what the base left out.
cat >/etc/dpkg/dpkg.cfg.d/no-docs <<'RULES'
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/lintian/*
RULES
# There is no network namespace to drop privileges into while an image is built.
apt="apt-get -qq -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0"
$apt update
$apt upgrade -y --no-install-recommends
$apt install -y --no-install-recommends "$@"
if [ -n "${without:-}" ]; then
    # Dependencies of the package lists, not of the programs that the image starts.
    # shellcheck disable=SC2046 # one word for each package
    dpkg --purge --force-depends --force-remove-essential $(echo "$without" | tr ',' ' ')
fi
$apt clean

if command -v python3 >/dev/null; then
    # Compiled files that are checked by nothing: layers set all times to one value, and a
    # file compiled against a time would be compiled again at each start.
    python3 -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python3*
fi
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/cache/ldconfig/* /var/log/* \
    /var/lib/dpkg/*-old /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/machine-id /root/.cache
