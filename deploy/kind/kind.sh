#!/usr/bin/env bash
# PyRox in a kind cluster of this machine, from the images of `make images`; by `make kind-up`
# and `make kind-down`.
#
#   kind.sh up|down
#
# up may be run again at any time: it makes what is missing and brings the rest up to date.
#
#   KIND_NAME    name of the cluster (default pyrox)
#   KIND_PORT    port of this machine at which Central is served (default 8443)
#   KIND_IMAGES  directory with the image archives (default build/images)
set -euo pipefail
cd "$(dirname "$0")/../.."
name=${KIND_NAME:-pyrox}
port=${KIND_PORT:-8443}
images=${KIND_IMAGES:-build/images}
context=kind-$name
# A port that NodePort Services may have; the node's container publishes it as $port.
node_port=30443

die() {
  printf 'kind: %s\n' "$@" >&2
  exit 1
}

need() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair%%=*} is missing: install ${pair#*=}")
  done
  ((${#missing[@]} == 0)) || die "${missing[@]}"
}

check_archives() {
  local image
  for image in main central-db scanner-v4 scanner-v4-db collector; do
    [[ -r $images/$image.tar ]] || die "$images/$image.tar is missing: run make images"
  done
}

create() {
  kind get clusters | grep -qx "$name" && return 0
  kind create cluster --name "$name" --wait 120s --config - <<CONFIG
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
  extraPortMappings:
  - {containerPort: $node_port, hostPort: $port, listenAddress: 127.0.0.1}
CONFIG
}

# deploy RELEASE CHART FLAGS...
deploy() {
  local release=$1 chart=deploy/helm/$2
  shift 2
  helm upgrade --install "$release" "$chart" --kube-context "$context" --namespace stackrox --create-namespace \
    --set profile=tiny "$@" --wait --timeout 10m || die "$release is not ready after 10 minutes:" \
    "kubectl --context $context -n stackrox get pods; then docs/how-to/troubleshoot.md"
}

on_cluster() { kubectl --context "$context" --namespace stackrox "$@"; }
password() { on_cluster get secret central-htpasswd -o 'jsonpath={.data.password}' | base64 -d; }

# An introduction of this cluster to Central, unless it has one.
bundle() {
  helm status stackrox-secured-cluster-services --kube-context "$context" --namespace stackrox >/dev/null 2>&1 && return 0
  on_cluster exec deploy/central -- roxctl --endpoint localhost:8443 --insecure-skip-tls-verify \
    --password "$(password)" central init-bundles generate "kind-$(date +%s)" --output -
}

up() {
  local introduction archive
  need docker='Docker Engine 20.10 or newer' kind='kind 0.20 or newer (kind.sigs.k8s.io)' \
    kubectl='kubectl 1.27 or newer' helm='Helm 3.14 or newer'
  docker info >/dev/null 2>&1 || die "docker does not answer: start it, and be in the group docker"
  check_archives
  create || die "kind could not make the cluster $name; its reason is above"
  for archive in main central-db scanner-v4 scanner-v4-db collector; do
    kind load image-archive "$images/$archive.tar" --name "$name" || die "$archive.tar could not be loaded"
  done
  deploy stackrox-central-services central-services \
    --set central.exposure.nodePort.enabled=true --set "central.exposure.nodePort.port=$node_port"
  introduction=$(mktemp)
  # shellcheck disable=SC2064  # the name as it is now
  trap "rm -f '$introduction'" EXIT
  bundle >"$introduction" || die "Central gave no init bundle; its reason is above"
  deploy stackrox-secured-cluster-services secured-cluster-services \
    --reset-then-reuse-values --values "$introduction" --set "clusterName=$name"
  cat <<TOLD

PyRox runs in the kind cluster $name.
  portal    https://localhost:$port (its certificate is of PyRox's own CA)
  user      admin
  password  kubectl --context $context -n stackrox get secret central-htpasswd -o jsonpath='{.data.password}' | base64 -d
  remove    make kind-down
TOLD
}

down() {
  need kind='kind 0.20 or newer (kind.sigs.k8s.io)'
  kind delete cluster --name "$name"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  *) die "usage: kind.sh up|down" ;;
esac
