#!/bin/bash
# Start Scanner V4 in a container: entrypoint.sh --conf=/etc/scanner/config.yaml. The
# configuration says which of Indexer and Matcher it becomes.
set -euo pipefail

exec scanner "$@"
