{{/* What _pyrox.tpl leaves to the chart. */}}

{{/* Labels of every object of this chart beyond the common ones, as YAML. ($) */}}
{{- define "pyrox.chartLabels" -}}
{}
{{- end -}}

{{/* ($) */}}
{{- define "pyrox.pullSecrets" -}}
{{- include "pyrox.pullSecretNames" (list . .Values.imagePullSecrets "stackrox") -}}
{{- end -}}

{{/* Nothing of this chart's values has an older name. ($) */}}
{{- define "pyrox.chartInit" -}}{{- end -}}
