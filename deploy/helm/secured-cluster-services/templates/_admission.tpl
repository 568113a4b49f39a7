{{/* Items of `env:` of the admission controller, as YAML. ($) */}}
{{- define "secured.admissionEnv" -}}
{{ include "secured.podEnv" . }}
- name: ROX_SENSOR_ENDPOINT
  value: {{ include "secured.sensorEndpoint" . | quote }}
- name: ROX_MEMLIMIT
  valueFrom:
    resourceFieldRef:
      resource: limits.memory
- name: GOMAXPROCS
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
# In mebibytes.
- name: ROX_ADMISSION_CONTROL_IMAGE_CACHE_MAX_SIZE
  value: "200"
{{- end -}}

{{/* Namespaces that the API server asks about, as YAML. The label is set by the API server itself, so
     that nobody can slip out of, or into, the review by changing it. ($) */}}
{{- define "secured.reviewedNamespaces" -}}
{{- with .Values.admissionControl.namespaceSelector -}}
{{- kindIs "string" . | ternary . (toYaml .) -}}
{{- else -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{- list .Release.Namespace "kube-system" "kube-public" "istio-system" | uniq | toYaml | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* What both webhooks have in common. (list $ path) */}}
{{- define "secured.webhook" -}}
{{- $root := index . 0 -}}
clientConfig:
  {{- with include "secured.authority" $root }}
  caBundle: {{ b64enc . }}
  {{- end }}
  service:
    namespace: {{ $root.Release.Namespace }}
    name: admission-control
    path: {{ index . 1 }}
    port: 443
namespaceSelector: {{- include "secured.reviewedNamespaces" $root | nindent 2 }}
# Two seconds more than a review takes at most, so that its answer arrives.
timeoutSeconds: {{ include "secured.webhookSeconds" $root | int | add 2 }}
failurePolicy: {{ $root.Values.admissionControl.failurePolicy }}
sideEffects: NoneOnDryRun
admissionReviewVersions: [v1, v1beta1]
matchPolicy: Equivalent
{{- end -}}

{{/* The configuration, its name being upstream's in every namespace. (list $ annotations) */}}
{{- define "secured.webhookConfiguration" -}}
{{- $root := index . 0 -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{- include "pyrox.clusterMetadata" (list $root "validatingwebhookconfiguration" "stackrox" "admission-control" (index . 1)) | nindent 2 }}
webhooks:
  {{- if include "secured.enforce" $root }}
  - name: policyeval.stackrox.io
    {{- include "secured.webhook" (list $root "/validate") | nindent 4 }}
    rules:
      - apiGroups: ["*"]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources:
          - pods
          - deployments
          - deployments/scale
          - replicasets
          - replicationcontrollers
          - statefulsets
          - daemonsets
          - cronjobs
          - jobs
          {{- if include "secured.openshift" $root }}
          - deploymentconfigs
          {{- end }}
  {{- end }}
  - name: k8sevents.stackrox.io
    {{- include "secured.webhook" (list $root "/events") | nindent 4 }}
    rules:
      - apiGroups: ["*"]
        apiVersions: ["*"]
        operations: [CONNECT]
        resources:
          - pods
          - pods/exec
          - pods/portforward
          - pods/attach
{{- end -}}
