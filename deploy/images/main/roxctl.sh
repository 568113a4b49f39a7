#!/bin/sh
# `kubectl exec deploy/central -- roxctl`: the client that Central hands out, in Central's own pod.
# It unpacks itself, and the pod's root file system is read-only.
set -eu
export XDG_CACHE_HOME="${XDG_CACHE_HOME:-/tmp}"
exec /assets/downloads/cli/roxctl-linux "$@"
