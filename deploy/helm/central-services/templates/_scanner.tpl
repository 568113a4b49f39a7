{{/* Indexer and Matcher. */}}

{{/* Connection to Scanner V4 DB, as the scanner's configuration file wants it. ($) */}}
{{- define "central.scannerDatabase" -}}
{{- $source := .Values.scannerV4.db.source -}}
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
{{- end -}}

{{/* The file of both; only the enabled part differs. (list $ role) */}}
{{- define "central.scannerConfig" -}}
{{- $root := index . 0 -}}{{- $role := index . 1 -}}
{{- $definitions := printf "https://central.%s.svc/api/extensions/scannerdefinitions" $root.Release.Namespace -}}
# Written by Helm; change the values instead.
stackrox_services: true
indexer:
  enable: {{ eq $role "indexer" }}
  {{- if eq $role "indexer" }}
  database: {{- include "central.scannerDatabase" $root | nindent 4 }}
  get_layer_timeout: 1m
  repository_to_cpe_url: {{ $definitions }}?file=repo2cpe
  name_to_repos_url: {{ $definitions }}?file=name2repos
  {{- end }}
matcher:
  enable: {{ eq $role "matcher" }}
  {{- if eq $role "matcher" }}
  database: {{- include "central.scannerDatabase" $root | nindent 4 }}
  vulnerabilities_url: {{ $definitions }}?version=ROX_VULNERABILITY_VERSION
  indexer_addr: scanner-v4-indexer.{{ $root.Release.Namespace }}.svc:8443
  readiness: {{ $root.Values.scannerV4.matcher.readiness }}
  {{- end }}
log_level: {{ (get $root.Values.scannerV4 $role).logLevel | lower }}
grpc_listen_addr: 0.0.0.0:8443
http_listen_addr: 0.0.0.0:9443
proxy:
  config_dir: /run/secrets/stackrox.io/proxy-config
  config_file: config.yaml
{{- end -}}

{{/* Replicas and autoscaling of one of them: the profile's, changed by the user's. (list $ role) */}}
{{- define "central.scannerScale" -}}
{{- $root := index . 0 -}}
{{- $values := get $root.Values.scannerV4 (index . 1) -}}
{{- $size := include "pyrox.size" (list $root (printf "scanner-v4-%s" (index . 1))) | fromYaml -}}
{{- $own := dict -}}
{{- range $key, $value := $values.autoscaling | default dict -}}{{- if not (kindIs "invalid" $value) -}}{{- $_ := set $own $key $value -}}{{- end -}}{{- end -}}
replicas: {{ $values.replicas | default $size.replicas }}
autoscaling: {{- toYaml (mergeOverwrite $size.autoscaling $own) | nindent 2 }}
{{- end -}}

{{- define "central.scanner" -}}
{{- $root := index . 0 -}}{{- $role := index . 1 -}}
{{- $name := printf "scanner-v4-%s" $role -}}
{{- $all := $root.Values.scannerV4 -}}{{- $values := get $all $role -}}
{{- $image := mergeOverwrite (deepCopy $all.image) (deepCopy $values.image) -}}
{{- $scale := include "central.scannerScale" (list $root $role) | fromYaml -}}
{{- $certs := $values.serviceTLS | default dict -}}
apiVersion: v1
kind: ConfigMap
metadata: {{- include "pyrox.metadata" (list $root "configmap" (printf "%s-config" $name) "scanner-v4") | nindent 2 }}
data:
  config.yaml: |
    {{- include "central.scannerConfig" (list $root $role) | nindent 4 }}
---
apiVersion: v1
kind: Service
metadata: {{- include "pyrox.metadata" (list $root "service" $name "scanner-v4") | nindent 2 }}
spec:
  # Without an address of its own: gRPC clients share their calls among the pods themselves.
  clusterIP: None
  selector:
    app: {{ $name }}
  ports:
    - name: grpcs-scanner-v4
      port: 8443
      targetPort: grpc
      protocol: TCP
    {{- if $all.exposeMonitoring }}
    - name: monitoring
      port: {{ $values.metricsPort }}
      targetPort: monitoring
      protocol: TCP
    {{- end }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{- include "pyrox.metadata" (list $root "deployment" $name "scanner-v4" (dict) (dict "app" $name)) | nindent 2 }}
spec:
  {{- if $scale.autoscaling.disable }}
  replicas: {{ $scale.replicas }}
  {{- end }}
  minReadySeconds: 15
  revisionHistoryLimit: {{ $values.revisionHistoryLimit }}
  selector:
    matchLabels:
      app: {{ $name }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  template:
    metadata: {{- include "pyrox.podMetadata" (list $root "deployment" $name "scanner-v4" (dict
        "traffic.sidecar.istio.io/excludeInboundPorts" "8443,9443"
        "checksum/config" (list (include "central.scannerConfig" .) (include "central.additionalCAs" $root) | join "\n" | sha256sum))) | nindent 6 }}
    spec:
      serviceAccountName: scanner-v4
      automountServiceAccountToken: false
      {{- include "pyrox.scheduling" (list $root $name $values) | nindent 6 }}
      securityContext: {{- include "pyrox.podSecurityContext" (list $root 4000) | nindent 8 }}
      containers:
        - name: {{ $role }}
          image: {{ include "pyrox.image" (list $root $image "scanner-v4") | quote }}
          imagePullPolicy: {{ include "pyrox.pullPolicy" (list $root $image) }}
          command: ["entrypoint.sh", "--conf=/etc/scanner/config.yaml"]
          ports:
            - name: grpc
              containerPort: 8443
              protocol: TCP
            {{- if $all.exposeMonitoring }}
            - name: monitoring
              containerPort: {{ $values.metricsPort }}
              protocol: TCP
            {{- end }}
          env: {{- include "pyrox.env" (list $root "deployment" $name $role (include "central.scannerEnv" .)) | nindent 12 }}
          {{- $defaults := dict
                "startup" (dict "periodSeconds" 5 "timeoutSeconds" 10 "failureThreshold" 240 "action" (dict "httpGet" (dict "scheme" "HTTPS" "path" "/health/liveness" "port" 9443)))
                "readiness" (dict "periodSeconds" 10 "timeoutSeconds" 10 "failureThreshold" 5)
                "liveness" (dict "periodSeconds" 30 "timeoutSeconds" 20 "failureThreshold" 6 "action" (dict "httpGet" (dict "scheme" "HTTPS" "path" "/health/liveness" "port" 9443))) }}
          {{- include "pyrox.probes" (list $root (dict "scheme" "HTTPS" "path" "/health/readiness" "port" 9443 "defaults" $defaults "values" $values.probes)) | nindent 10 }}
          # A pod that ends leaves the Service first, then its connections are closed.
          lifecycle:
            preStop:
              exec:
                command: ["sleep", "5"]
          resources: {{- include "pyrox.resources" (list $root $name $values.resources) | nindent 12 }}
          securityContext: {{- include "pyrox.containerSecurityContext" $root | nindent 12 }}
          volumeMounts:
            - name: scratch
              mountPath: /tmp
            - name: config
              mountPath: /etc/scanner
              readOnly: true
            - name: certs
              mountPath: /run/secrets/stackrox.io/certs
              readOnly: true
            - name: scanner-v4-db-password
              mountPath: /run/secrets/stackrox.io/secrets
              readOnly: true
            - name: proxy-config-volume
              mountPath: /run/secrets/stackrox.io/proxy-config/
              readOnly: true
            - name: additional-ca-volume
              mountPath: /usr/local/share/ca-certificates/
              readOnly: true
            {{- with $values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
        {{- with $values.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        - name: scratch
          emptyDir:
            sizeLimit: {{ $values.scratchSizeLimit }}
        - name: config
          configMap:
            name: {{ $name }}-config
        - name: certs
          secret:
            secretName: {{ include "central.secretName" (list (printf "%s-tls" $name) $certs) }}
            items: {{- include "central.certItems" (list $root (printf "%s-tls" $name) $certs "cert.pem" "key.pem" "ca.pem" "") | nindent 14 }}
        - name: scanner-v4-db-password
          secret:
            secretName: {{ include "central.secretName" (list "scanner-v4-db-password" $all.db.password) }}
        - name: proxy-config-volume
          secret:
            secretName: {{ $root.Values.env.proxyConfigExistingSecret | default "proxy-config" }}
            optional: true
        - name: additional-ca-volume
          secret:
            secretName: {{ $root.Values.additionalCAsExistingSecret | default "additional-ca" }}
            optional: true
        {{- with $values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- if not $scale.autoscaling.disable }}
---
{{ include "pyrox.autoscaler" (list $root $name "scanner-v4" $scale.autoscaling) }}
{{- end }}
---
{{ include "pyrox.podDisruptionBudget" (list $root $name "scanner-v4" $values.podDisruptionBudget) }}
{{- end -}}

{{- define "central.scannerEnv" -}}
{{- $root := index . 0 -}}
- name: ROX_MEMLIMIT
  valueFrom:
    resourceFieldRef:
      resource: {{ eq (index . 1) "matcher" | ternary "requests" "limits" }}.memory
- name: GOMAXPROCS
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
{{ include "central.podEnv" $root }}
- name: ROX_CENTRAL_ENDPOINT
  value: {{ include "central.endpoint" $root }}
- name: ROX_METRICS_PORT
  value: ":{{ (get $root.Values.scannerV4 (index . 1)).metricsPort }}"
{{- end -}}
