{{/* The Jobs that make what Helm must not make. */}}

{{/* Annotations of a hook. (list events weight) */}}
{{- define "secured.hookAnnotations" -}}
helm.sh/hook: {{ index . 0 }}
helm.sh/hook-weight: {{ index . 1 | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* "true" when the password of the Indexer's database shall be drawn. ($) */}}
{{- define "secured.drawsPassword" -}}
{{- $own := .Values.scannerV4.db.password -}}
{{- $generate := ternary true $own.generate (kindIs "invalid" $own.generate) -}}
{{- if and .Values.bootstrap.enabled (include "secured.indexer" .) $generate (not $own.existingSecret) (not $own.value) -}}true{{- end -}}
{{- end -}}

{{/* "true" when the values do not hold the CA of the webhook. ($) */}}
{{- define "secured.lacksAuthority" -}}
{{- if and .Values.bootstrap.enabled (not .Values.ca.cert) (not .Values.crs.file) -}}true{{- end -}}
{{- end -}}

{{/* Events at which one of the Jobs runs. ($) */}}
{{- define "secured.bootstrapEvents" -}}
{{- $events := list -}}
{{- if include "secured.drawsPassword" . -}}{{- $events = concat $events (list "pre-install" "pre-upgrade") -}}{{- end -}}
{{- if include "secured.lacksAuthority" . -}}{{- $events = concat $events (list "post-install" "post-upgrade") -}}{{- end -}}
{{- join "," $events -}}
{{- end -}}

{{/* (list $ name events args) */}}
{{- define "secured.bootstrapJob" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- $own := $root.Values.bootstrap -}}
apiVersion: batch/v1
kind: Job
metadata: {{- include "pyrox.metadata" (list $root "job" $name "sensor" (include "secured.hookAnnotations" (list (index . 2) "-5") | fromYaml)) | nindent 2 }}
spec:
  backoffLimit: 3
  activeDeadlineSeconds: {{ $own.activeDeadlineSeconds }}
  template:
    metadata: {{- include "pyrox.podMetadata" (list $root "job" $name "sensor") | nindent 6 }}
    spec:
      serviceAccountName: stackrox-secured-bootstrap
      automountServiceAccountToken: true
      restartPolicy: Never
      {{- include "pyrox.scheduling" (list $root $name (dict "nodeSelector" $own.nodeSelector "tolerations" $own.tolerations "topologySpreadConstraints" list)) | nindent 6 }}
      securityContext: {{- include "pyrox.podSecurityContext" (list $root 4000) | nindent 8 }}
      containers:
        - name: bootstrap
          {{- include "secured.image" (list $root $root.Values.image.main "main" "") | nindent 10 }}
          command: ["/stackrox/bootstrap"]
          args:
            - secured
            - --namespace={{ $root.Release.Namespace }}
            {{- range index . 3 }}
            - {{ . }}
            {{- end }}
            - --release={{ $root.Release.Name }}
            - --chart={{ $root.Chart.Name }}-{{ $root.Chart.Version }}
            - --app-version={{ $root.Chart.AppVersion }}
          env: {{- include "pyrox.env" (list $root "job" $name "bootstrap" (include "secured.podEnv" $root)) | nindent 12 }}
          resources: {{- include "pyrox.resources" (list $root "bootstrap" $own.resources) | nindent 12 }}
          securityContext: {{- include "pyrox.containerSecurityContext" $root | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: tmp
          emptyDir: {}
{{- end -}}
