#!/bin/sh
# Install PostgreSQL for an image: install.sh MAJOR. Run by the Containerfiles of the databases.
set -eu

major=$1
# The ids that volumes of these databases have had from the beginning.
groupadd --gid 70 postgres
useradd --uid 70 --gid 70 --home-dir /var/lib/postgresql --no-create-home --shell /bin/sh postgres
mkdir -p /etc/postgresql-common
# Debian's package would make a cluster of its own while it is installed.
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
perl=perl,perl-modules-5.40,libperl5.40,libjson-perl,libipc-run-perl,libio-pty-perl
# Taken out again: Debian's cluster tools in Perl with what they need, and the compiler of
# queries (120 MB), which PostgreSQL does without when its file is not there.
without=postgresql-common,postgresql-client-common,ssl-cert,locales,libllvm19,libz3-4,$perl \
    /tmp/install/packages.sh "postgresql-$major"
# The key pair that ssl-cert made while it was installed is nobody's.
rm -rf /etc/ssl/private /etc/ssl/certs/ssl-cert-snakeoil.pem
find /etc/ssl/certs -xtype l -delete
rm -rf "/usr/lib/postgresql/$major/lib/bitcode" "/usr/lib/postgresql/$major"/lib/llvmjit*
# An unprivileged server needs these directories and nothing else that is writable.
mkdir -p /var/lib/postgresql/data /run/postgresql
chown -R 70:70 /var/lib/postgresql /run/postgresql
chmod 0700 /var/lib/postgresql/data
