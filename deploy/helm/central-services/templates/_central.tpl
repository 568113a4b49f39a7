{{/* Questions about this chart's values that several templates ask. Answers are "true" or "". */}}

{{- define "central.openshift" -}}{{- include "pyrox.openshift" . -}}{{- end -}}

{{- define "central.gke" -}}
{{- $version := (.Values.meta.apiServer | default dict).version | default .Capabilities.KubeVersion.Version -}}
{{- if eq (.Values.env.platform | default (contains "-gke." $version | ternary "gke" "default")) "gke" -}}true{{- end -}}
{{- end -}}

{{- define "central.scannerV4" -}}
{{- if not .Values.scannerV4.disable -}}true{{- end -}}
{{- end -}}

{{- define "central.hasDb" -}}
{{- if not .Values.central.db.external -}}true{{- end -}}
{{- end -}}

{{- define "central.endpoint" -}}
{{- .Values.central.endpoint | default (printf "central.%s.svc:443" .Release.Namespace) -}}
{{- end -}}

{{/* A value that may be a map or its YAML as text, as text. (list value) */}}
{{- define "central.text" -}}
{{- with index . 0 -}}{{- kindIs "string" . | ternary . (toYaml .) -}}{{- end -}}
{{- end -}}

{{/* Endpoints beyond the default one, as a YAML list of {name, port, servicePort, from}. ($) */}}
{{- define "central.endpoints" -}}
{{- $config := include "central.text" (list .Values.central.endpointsConfig) | fromYaml -}}
{{- if $config.Error -}}{{- include "pyrox.fail" (list (printf "central.endpointsConfig is not YAML: %s" $config.Error)) -}}{{- end -}}
{{- $found := list -}}
{{- range $index, $endpoint := $config.endpoints | default list -}}
{{- $port := regexFind "[0-9]+$" ($endpoint.listen | default "") -}}
{{- if not $port -}}{{- include "pyrox.fail" (list (printf "central.endpointsConfig: endpoints[%d].listen is %q; expected an address with a port such as \":8444\"" $index ($endpoint.listen | default ""))) -}}{{- end -}}
{{- /* A port's name is short and plain; an endpoint's own need not be. */ -}}
{{- $name := toString ($endpoint.name | default "") -}}
{{- $plain := and (regexMatch "^[a-z0-9]+(-[a-z0-9]+)*$" $name) (regexMatch "[a-z]" $name) (le (len $name) 15) (not (has $name (list "api" "https" "monitoring" "monitoring-tls"))) -}}
{{- $found = append $found (dict "name" ($plain | ternary $name (printf "api-%s" $port)) "port" (int $port) "servicePort" $endpoint.servicePort "from" $endpoint.allowIngressFrom) -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Additional CAs as a YAML map of file name to PEM. ($) */}}
{{- define "central.additionalCAs" -}}
{{- $given := .Values.additionalCAs -}}
{{- $files := dict -}}
{{- if kindIs "string" $given -}}
{{- $_ := set $files "00-ca.crt" $given -}}
{{- else if kindIs "slice" $given -}}
{{- range $index, $pem := $given -}}{{- $_ := set $files (printf "%02d-ca.crt" $index) $pem -}}{{- end -}}
{{- else if kindIs "map" $given -}}
{{- range $index, $name := keys $given | sortAlpha -}}
{{- $plain := regexReplaceAll "[^-._a-zA-Z0-9]" (trimSuffix ".crt" (trimSuffix ".pem" $name)) "_" -}}
{{- $_ := set $files (printf "%02d-%s.crt" $index $plain) (get $given $name) -}}
{{- end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* Labels by which a pod of this chart or of a secured cluster's chart is known. */}}
{{- define "central.hookAnnotations" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ index . 0 | quote }}
{{- if gt (len .) 1 }}
helm.sh/hook-delete-policy: {{ index . 1 }}
{{- end }}
{{- end -}}

{{- define "central.podEnv" -}}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end -}}

{{/* Contents of a pull secret for every registry that an image of this chart comes from. ($) */}}
{{- define "central.dockerConfig" -}}
{{- $root := . -}}
{{- $auth := printf "%s:%s" .Values.imagePullSecrets.username .Values.imagePullSecrets.password | b64enc -}}
{{- $auths := dict -}}
{{- $images := dict "main" .Values.central.image "central-db" .Values.central.db.image "scanner-v4" .Values.scannerV4.image "scanner-v4-db" .Values.scannerV4.db.image -}}
{{- range $name, $own := $images -}}
{{- $host := include "pyrox.image" (list $root $own $name) | splitList "/" | first -}}
{{- $host = eq $host "docker.io" | ternary "https://index.docker.io/v1/" $host -}}
{{- $_ := set $auths $host (dict "auth" $auth) -}}
{{- end -}}
{{- dict "auths" $auths | toJson -}}
{{- end -}}

{{/* How Central reaches its database. Certificates name the service in namespace stackrox and in
     the chart's own, but upstream's secrets of another namespace need not. ($) */}}
{{- define "central.externalDb" -}}
{{- $source := .Values.central.db.source -}}
centralDB:
  external: {{ .Values.central.db.external }}
  source: >
    {{ $source.connectionString | default (printf "host=central-db.%s.svc port=5432 user=postgres sslmode=%s sslrootcert=/run/secrets/stackrox.io/certs/ca.pem" .Release.Namespace (eq .Release.Namespace "stackrox" | ternary "verify-full" "verify-ca")) }}
    {{- with $source.statementTimeoutMs }}
    statement_timeout={{ int64 . }}
    {{- end }}
    pool_min_conns={{ int $source.minConns }}
    pool_max_conns={{ int $source.maxConns }}
    client_encoding=UTF8
{{- end -}}

{{/* Central's environment. ($) */}}
{{- define "central.env" -}}
- name: ROX_MEMLIMIT
  valueFrom:
    resourceFieldRef:
      resource: limits.memory
- name: GOMAXPROCS
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
{{ include "central.podEnv" . }}
- name: GRPC_ENFORCE_ALPN_ENABLED
  value: {{ .Values.env.grpcEnforceALPN | quote }}
- name: ROX_TELEMETRY_ENDPOINT
  value: {{ .Values.central.telemetry.storage.endpoint | quote }}
- name: ROX_TELEMETRY_STORAGE_KEY_V1
  value: {{ and .Values.central.telemetry.enabled (not .Values.central.disableTelemetry) | ternary .Values.central.telemetry.storage.key "DISABLED" | quote }}
- name: ROX_OFFLINE_MODE
  value: {{ .Values.env.offlineMode | quote }}
- name: ROX_INSTALL_METHOD
  value: {{ .Values.env.installMethod | quote }}
- name: ROX_METRICS_PORT
  value: ":9090"
{{- /* Said in both cases, since our default is that it is installed. */}}
- name: ROX_SCANNER_V4
  value: {{ include "central.scannerV4" . | eq "true" | quote }}
{{- if include "central.scannerV4" . }}
- name: ROX_SCANNER_V4_INDEXER_ENDPOINT
  value: scanner-v4-indexer.{{ .Release.Namespace }}.svc:8443
- name: ROX_SCANNER_V4_MATCHER_ENDPOINT
  value: scanner-v4-matcher.{{ .Release.Namespace }}.svc:8443
{{- end }}
{{- if .Values.central.notifierSecretsEncryption.enabled }}
- name: ROX_ENC_NOTIFIER_CREDS
  value: "true"
{{- end }}
{{- if include "central.openshift" . }}
- name: ROX_ENABLE_OPENSHIFT_AUTH
  value: "true"
- name: ROX_OPENSHIFT
  value: "true"
{{- end }}
{{- end -}}
