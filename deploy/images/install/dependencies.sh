#!/bin/sh
# Make /opt/pyrox, a virtual environment with the locked third-party packages of some
# extras: dependencies.sh EXTRA... Run by the Containerfiles; reads /selected/pyproject.toml
# and requirements.lock in /tmp/src. The application comes in a layer above.
set -eu

src=/tmp/src
# The builder's CAs, when it reaches package indexes through a proxy that has its own.
if [ -r /tmp/.ca ]; then export SSL_CERT_FILE=/tmp/.ca PIP_CERT=/tmp/.ca; fi
python3 -m venv --without-pip /opt/pyrox
python3 -m venv /tmp/tool
# The installer itself is locked with hashes too.
sed -n '/^uv==/,/[^\\]$/p' "$src/requirements.lock" >/tmp/uv.lock
/tmp/tool/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/uv.lock
extras=""
for extra in "$@"; do extras="$extras --extra $extra"; done
# Every version and hash comes from the lock as a constraint; wheels only, so nothing is run.
# shellcheck disable=SC2086 # one word for each part
/tmp/tool/bin/uv pip install --quiet --no-cache --no-build --python /opt/pyrox/bin/python \
    --constraint "$src/requirements.lock" -r /selected/pyproject.toml $extras

packages=$(/opt/pyrox/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cd "$packages"
# Of the Kubernetes client its asynchronous half is used (pyrox/k8s); the other is 55 MB.
(cd kubernetes 2>/dev/null && rm -rf client config dynamic informer leaderelection stream utils watch) || true
# Tests, sources of compiled modules and generated documents are never imported.
find . -type d \( -name tests -o -name testing -o -name test \) ! -path './*/testing/*' -prune \
    -exec rm -rf {} +
find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.pyi' \) -delete
# Wheels that were built with their symbols; bundled libraries have none.
find . -name '*.so' ! -path './*.libs/*' -exec strip --strip-unneeded {} +
python3 -m compileall -q -j 2 --invalidation-mode unchecked-hash .
