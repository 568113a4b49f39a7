{{/* Parts of NetworkPolicies; rules as YAML lists. */}}

{{/* Rule for Prometheus. (list $ port) */}}
{{- define "secured.metricsIngress" -}}
- ports:
    - port: {{ index . 1 }}
      protocol: TCP
  {{- with (index . 0).Values.network.monitoringFrom }}
  from: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Rule for what is outside: registries, Central elsewhere, the API server. (list $ ports) */}}
{{- define "secured.outside" -}}
{{- $egress := (index . 0).Values.network.egress -}}
{{- with $egress.externalCIDRs -}}
- to:
    # An address that is given as a network covers the pods of no other.
    {{- range . }}
    - ipBlock:
        cidr: {{ . | quote }}
        {{- include "secured.except" (list . $egress.exceptCIDRs) | nindent 8 }}
    {{- end }}
  {{- with index $ 1 }}
  ports:
    {{- range . }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* `except` of one network: those of its own address family. (list cidr excepted) */}}
{{- define "secured.except" -}}
{{- $six := contains ":" (index . 0) -}}
{{- $own := list -}}
{{- range index . 1 -}}{{- if eq $six (contains ":" .) -}}{{- $own = append $own . -}}{{- end -}}{{- end -}}
{{- with $own -}}
except: {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* Rule for one workload of this namespace. (list app port) */}}
{{- define "secured.toPod" -}}
- to:
    - podSelector:
        matchLabels:
          app: {{ index . 0 }}
  ports:
    - port: {{ index . 1 }}
      protocol: TCP
{{- end -}}

{{/* `policyTypes`, and `egress` with name resolution and the user's rules. (list $ workload rules) */}}
{{- define "secured.egress" -}}
{{- $root := index . 0 -}}
{{- if $root.Values.network.egress.enabled -}}
policyTypes: [Ingress, Egress]
egress:
  {{- include "pyrox.dnsEgress" $root | nindent 2 }}
  {{- with index . 2 }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with get $root.Values.network.extraEgress (index . 1) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- else -}}
policyTypes: [Ingress]
{{- end -}}
{{- end -}}
