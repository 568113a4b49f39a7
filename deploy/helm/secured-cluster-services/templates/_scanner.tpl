{{/* Configuration of the Indexer that only this cluster uses. */}}

{{/* Items of `env:`. ($) */}}
{{- define "secured.indexerEnv" -}}
{{ include "secured.podEnv" . }}
- name: ROX_SENSOR_ENDPOINT
  value: {{ include "secured.sensorEndpoint" . | quote }}
- name: ROX_METRICS_PORT
  value: ":{{ .Values.scannerV4.indexer.metricsPort }}"
- name: ROX_MEMLIMIT
  valueFrom:
    resourceFieldRef:
      resource: limits.memory
- name: GOMAXPROCS
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
{{- end -}}

{{/* The file config.yaml. ($) */}}
{{- define "secured.indexerConfig" -}}
{{- $source := .Values.scannerV4.db.source -}}
{{- $sensor := include "secured.sensorEndpoint" . | trimSuffix ":443" -}}
# Written by Helm; change the values instead.
stackrox_services: true
indexer:
  enable: true
  database:
    conn_string: >
      host=scanner-v4-db.{{ .Release.Namespace }}.svc port=5432
      sslrootcert=/run/secrets/stackrox.io/certs/ca.pem user=postgres
      sslmode={{ eq .Release.Namespace "stackrox" | ternary "verify-full" "verify-ca" }}
      {{- with $source.statementTimeoutMs }}
      statement_timeout={{ int64 . }}
      {{- end }}
      pool_min_conns={{ int $source.minConns }} pool_max_conns={{ int $source.maxConns }}
      client_encoding=UTF8
    password_file: /run/secrets/stackrox.io/secrets/password
  get_layer_timeout: 1m
  repository_to_cpe_url: https://{{ $sensor }}/scanner/definitions?file=repo2cpe
  name_to_repos_url: https://{{ $sensor }}/scanner/definitions?file=name2repos
matcher:
  enable: false
log_level: {{ .Values.scannerV4.indexer.logLevel | lower }}
grpc_listen_addr: 0.0.0.0:8443
http_listen_addr: 0.0.0.0:9443
{{- end -}}

{{/* The Indexer's database for _database.tpl; `values` is set by the caller. ($) */}}
{{- define "secured.scannerDb" -}}
name: scanner-v4-db
containerName: db
component: scanner-v4
account: scanner-v4
passwordSecret: scanner-v4-db-password
certSecret: tls-cert-scanner-v4-db
authMethod: scram-sha-256
hba:
  - "local    replication  all                 reject"
  - "host     replication  all   all           reject"
settings:
  log_min_duration_statement: 1min
{{- end -}}
