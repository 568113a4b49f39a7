{{/* Rules of NetworkPolicies; each template gives a YAML list, but "secured.policy", which gives the object. */}}

{{/* To the pods of one workload here. (list app port) */}}
{{- define "secured.toApp" -}}
- to:
    - podSelector:
        matchLabels:
          app: {{ index . 0 }}
  ports:
    - port: {{ index . 1 }}
      protocol: TCP
{{- end }}

{{/* To Central where it is in this cluster. */}}
{{- define "secured.toCentral" -}}
- to:
    - namespaceSelector: {}
      podSelector:
        matchLabels:
          app: central
  ports:
    - port: 8443
      protocol: TCP
{{- end }}

{{/* To Central elsewhere, registries, the API server. (list $ ports), no ports mean all */}}
{{- define "secured.toOutside" -}}
{{- $egress := (index . 0).Values.network.egress -}}
{{- $ports := index . 1 -}}
{{- if $egress.externalCIDRs -}}
- to:
    {{- range $cidr := $egress.externalCIDRs }}
    {{- $except := list }}
    {{- range $egress.exceptCIDRs }}
    {{- /* An exception must lie in the block. */}}
    {{- if and (eq (contains ":" .) (contains ":" $cidr)) (hasSuffix "/0" $cidr) }}{{- $except = append $except . }}{{- end }}
    {{- end }}
    - ipBlock:
        cidr: {{ $cidr | quote }}
        {{- with $except }}
        except: {{- toYaml . | nindent 10 }}
        {{- end }}
    {{- end }}
  {{- with $ports }}
  ports:
    {{- range . }}
    - port: {{ int . }}
      protocol: TCP
    {{- end }}
  {{- end }}
{{- end -}}
{{- end }}

{{/* From pods with one of these labels. (list labels port), labels is a list of maps */}}
{{- define "secured.fromPods" -}}
- from:
    {{- range index . 0 }}
    - podSelector:
        matchLabels: {{- toYaml . | nindent 10 }}
    {{- end }}
  ports:
    - port: {{ index . 1 }}
      protocol: TCP
{{- end }}

{{/* From everybody. (list port) */}}
{{- define "secured.fromAnywhere" -}}
- ports:
    - port: {{ index . 0 }}
      protocol: TCP
{{- end }}

{{/* From Prometheus. (list $ port) */}}
{{- define "secured.monitoringRule" -}}
- ports:
    - port: {{ index . 1 }}
      protocol: TCP
  {{- with (index . 0).Values.network.monitoringFrom }}
  from: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* One policy. The user's rules join the first ingress policy of a workload, and its egress policy.
     (list $ name app component "Ingress"|"Egress" rules) */}}
{{- define "secured.policy" }}
{{- $root := index . 0 }}{{- $name := index . 1 }}{{- $app := index . 2 }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{- include "pyrox.metadata" (list $root "networkpolicy" $name (index . 3)) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      app: {{ $app }}
  {{- if eq (index . 4) "Egress" }}
  policyTypes: ["Egress"]
  egress: {{- get $root.Values.network.extraEgress $app | default list | concat (index . 5) | toYaml | nindent 4 }}
  {{- else }}
  policyTypes: ["Ingress"]
  {{- $extra := hasSuffix "-monitoring" $name | ternary list (get $root.Values.network.extraIngress $app | default list) }}
  ingress: {{- concat (index . 5) $extra | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
