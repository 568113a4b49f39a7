{{/* Items of `env:` of the node agents, as YAML. */}}

{{/* ($) */}}
{{- define "secured.collectorEnv" -}}
- name: COLLECTOR_CONFIG
  value: '{"tlsConfig":{"caCertPath":"/var/run/secrets/stackrox.io/certs/ca.pem","clientCertPath":"/var/run/secrets/stackrox.io/certs/cert.pem","clientKeyPath":"/var/run/secrets/stackrox.io/certs/key.pem"}}'
- name: COLLECTION_METHOD
  value: CORE_BPF
- name: GRPC_SERVER
  value: {{ include "secured.sensorEndpoint" . | quote }}
- name: SNI_HOSTNAME
  value: sensor.stackrox.svc
- name: NODE_HOSTNAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- end -}}

{{/* ($) */}}
{{- define "secured.complianceEnv" -}}
- name: ROX_NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: ROX_ADVERTISED_ENDPOINT
  value: {{ include "secured.sensorEndpoint" . | quote }}
- name: ROX_NODE_SCANNING_ENDPOINT
  value: {{ .Values.collector.nodescanningEndpoint | quote }}
# There is no node-inventory container beside it.
- name: ROX_CALL_NODE_INVENTORY_ENABLED
  value: "false"
- name: ROX_METRICS_PORT
  value: {{ include "secured.exposed" (list $ .Values.collector) | eq "true" | ternary ":9091" "disabled" | quote }}
- name: ROX_MEMLIMIT
  valueFrom:
    resourceFieldRef:
      resource: limits.memory
- name: GOMAXPROCS
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
{{- end -}}
