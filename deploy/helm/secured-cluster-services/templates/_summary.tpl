{{/* What NOTES.txt says about an installation. */}}

{{/* ($) */}}
{{- define "secured.bootstrapMethod" -}}
{{- if .Values.crs.file -}}cluster registration secret
{{- else if include "secured.bundle" . -}}init bundle
{{- else -}}secrets applied with kubectl
{{- end -}}
{{- end -}}

{{/* ($) */}}
{{- define "secured.scannerWhere" -}}
{{- if not (include "secured.scannerV4" .) -}}not installed
{{- else if include "secured.indexer" . -}}in this namespace, its data {{ .Values.scannerV4.db.persistence.none | default false | ternary "on the node, lost with their pod" "on a volume" }}
{{- else if include "secured.beside" . -}}Central's, in this namespace
{{- else -}}Central's
{{- end -}}
{{- end -}}

{{/* Paths of values that were given and change nothing, as a YAML list. ($) */}}
{{- define "secured.ignored" -}}
{{- $found := list -}}
{{- $admission := .Values.admissionControl -}}
{{- range $key := list "listenOnCreates" "listenOnUpdates" "listenOnEvents" -}}
{{- if not (kindIs "invalid" (get $admission $key)) -}}{{- $found = append $found (printf "admissionControl.%s" $key) -}}{{- end -}}
{{- end -}}
{{- range $key := list "scanInline" "timeout" "enforceOnCreates" "enforceOnUpdates" -}}
{{- if not (kindIs "invalid" (get $admission.dynamic $key)) -}}{{- $found = append $found (printf "admissionControl.dynamic.%s" $key) -}}{{- end -}}
{{- end -}}
{{- range $key := list "famEnabled" "forceCollectionMethod" "slimMode" -}}
{{- if not (kindIs "invalid" (get $.Values.collector $key)) -}}{{- $found = append $found (printf "collector.%s" $key) -}}{{- end -}}
{{- end -}}
{{- range $key := omit .Values.scanner "disable" | keys | sortAlpha -}}{{- $found = append $found (printf "scanner.%s" $key) -}}{{- end -}}
{{- toYaml $found -}}
{{- end -}}
