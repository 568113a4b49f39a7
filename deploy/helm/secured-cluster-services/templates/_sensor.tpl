{{/* Environment of Sensor and of the container that registers it; items as YAML. */}}

{{/* What both need to reach Central. ($) */}}
{{- define "secured.connectionEnv" -}}
{{ include "secured.podEnv" . }}
- name: K8S_NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: ROX_CENTRAL_ENDPOINT
  value: {{ include "secured.centralEndpoint" . | quote }}
- name: ROX_ADVERTISED_ENDPOINT
  value: {{ include "secured.sensorEndpoint" . | quote }}
- name: GRPC_ENFORCE_ALPN_ENABLED
  value: {{ .Values.env.grpcEnforceALPN | quote }}
{{- end -}}

{{/* ($) */}}
{{- define "secured.sensorEnv" -}}
{{ include "secured.connectionEnv" . }}
- name: ROX_MEMLIMIT
  valueFrom:
    resourceFieldRef:
      resource: limits.memory
- name: GOMAXPROCS
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
- name: ROX_SCANNER_GRPC_ENDPOINT
  value: scanner.{{ .Release.Namespace }}.svc:8443
- name: ROX_SCANNER_V4_INDEXER_ENDPOINT
  value: scanner-v4-indexer.{{ .Release.Namespace }}.svc:8443
- name: ROX_SCANNER_V4
  value: {{ include "secured.scannerV4" . | eq "true" | quote }}
- name: ROX_LOCAL_IMAGE_SCANNING_ENABLED
  value: {{ include "secured.localScanning" . | eq "true" | quote }}
- name: ROX_HELM_CLUSTER_CONFIG_FP
  value: {{ include "secured.fingerprint" . | quote }}
{{- end -}}

{{/* The two certificates tell the container whether there is anything to do. ($) */}}
{{- define "secured.crsEnv" -}}
{{ include "secured.connectionEnv" . }}
- name: ROX_CRS_FILE
  value: /run/secrets/stackrox.io/crs/crs
- name: ROX_LEGACY_SENSOR_SERVICE_CERT
  valueFrom:
    secretKeyRef:
      name: sensor-tls
      key: sensor-cert.pem
      optional: true
- name: ROX_SENSOR_SERVICE_CERT
  valueFrom:
    secretKeyRef:
      name: tls-cert-sensor
      key: cert.pem
      optional: true
{{- end -}}
