{{/* Pieces of NetworkPolicies: rules to one app of this namespace, and to what lies outside. */}}
{{- define "central.toApp" -}}
- to:
    - podSelector:
        matchLabels:
          app: {{ index . 0 }}
  ports:
    - port: {{ index . 1 }}
      protocol: TCP
{{- end }}
{{- define "central.toOutside" -}}
{{- $egress := .Values.network.egress -}}
{{- if $egress.externalCIDRs -}}
- to:
    {{- range $cidr := $egress.externalCIDRs }}
    {{- $except := list }}
    {{- range $egress.exceptCIDRs }}
    {{- /* An exception must lie in the block: compared by address family. */}}
    {{- if eq (contains ":" .) (contains ":" $cidr) }}{{- if or (hasSuffix "/0" $cidr) (eq . $cidr) }}{{- $except = append $except . }}{{- end }}{{- end }}
    {{- end }}
    - ipBlock:
        cidr: {{ $cidr | quote }}
        {{- with $except }}
        except: {{- toYaml . | nindent 10 }}
        {{- end }}
    {{- end }}
  {{- with $egress.externalPorts }}
  ports:
    {{- range . }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  {{- end }}
{{- end -}}
{{- end }}
{{- define "central.policy" }}
{{- $root := index . 0 }}{{- $name := index . 1 }}{{- $app := index . 2 }}{{- $component := index . 3 }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{- include "pyrox.metadata" (list $root "networkpolicy" $name $component) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      app: {{ $app }}
  {{- if eq (index . 4) "Egress" }}
  policyTypes: ["Egress"]
  {{- $extra := get $root.Values.network.extraEgress $app | default list }}
  egress: {{- concat (index . 5) $extra | toYaml | nindent 4 }}
  {{- else }}
  {{- $closed := hasSuffix "-db" $app }}
  policyTypes: {{ $closed | ternary (list "Ingress" "Egress") (list "Ingress") | toJson }}
  {{- $extra := eq $name (eq $app "central" | ternary "allow-ext-to-central" $app) | ternary (get $root.Values.network.extraIngress $app | default list) list }}
  ingress: {{- concat (index . 5) $extra | toYaml | nindent 4 }}
  {{- if $closed }}
  # A database never calls anyone.
  egress: {{- get $root.Values.network.extraEgress $app | default list | toYaml | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- define "central.fromApps" -}}
- from:
    {{- range index . 0 }}
    - podSelector:
        matchLabels:
          app: {{ . }}
    {{- end }}
  ports:
    - port: {{ index . 1 }}
      protocol: TCP
{{- end }}
{{- define "central.monitoringRule" -}}
- ports:
    - port: {{ index . 1 }}
      protocol: TCP
  {{- with (index . 0).Values.network.monitoringFrom }}
  from: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
