{{/*
Values of the first charts, which upstream still takes: files/legacy.json says where each
belongs today. They are moved there before anything reads them, once; both names with
different values are refused.
*/}}

{{/* ($) */}}
{{- define "pyrox.chartInit" -}}
{{- $root := . -}}
{{- $defaults := (.Files.Get "files/defaults.json" | fromJson).values -}}
{{- range $old, $new := .Files.Get "files/legacy.json" | fromJson -}}
{{- $found := include "secured.valueAt" (list $root.Values $old) | fromJson -}}
{{- /* What only has its default was not given. */ -}}
{{- if and (hasKey $found "value") (ne (toJson $found) (include "secured.valueAt" (list $defaults $old))) -}}
{{- include "secured.move" (list $root $old $new $found.value $defaults) -}}
{{- end -}}
{{- end -}}
{{- with (.Values.cluster | default dict).type -}}
{{- include "secured.move" (list $root "cluster.type" "env.openshift" (hasPrefix "OPENSHIFT" .) $defaults) -}}
{{- end -}}
{{- range .Values.envVars -}}
{{- include "secured.move" (list $root "envVars" (printf "customize.envVars.%s" .name) .value $defaults) -}}
{{- end -}}
{{- range list "cluster" "config" "endpoint" "envVars" -}}{{- $_ := unset $root.Values . -}}{{- end -}}
{{- $image := .Values.image | default dict -}}
{{- $_ := unset $image "repository" -}}
{{- range list "pullPolicy" "registry" "tag" -}}
{{- if kindIs "map" (get $image .) -}}{{- $_ := set $image . (get $defaults.image .) -}}{{- end -}}
{{- end -}}
{{- $_ = unset (.Values.customize | default dict) "admission-controller" -}}
{{- end -}}

{{/* {"value": …} of a path, or {} where there is none. (list values path) */}}
{{- define "secured.valueAt" -}}
{{- $at := dict "value" (index . 0) -}}
{{- range splitList "." (index . 1) -}}
{{- $below := kindIs "map" $at.value | ternary $at.value dict -}}
{{- $_ := set $at "value" (hasKey $below . | ternary (get $below .) nil) -}}
{{- end -}}
{{- kindIs "invalid" $at.value | ternary dict $at | toJson -}}
{{- end -}}

{{/* Set the value of a path, unless another one was given for it. (list $ old new value defaults) */}}
{{- define "secured.move" -}}
{{- $root := index . 0 -}}{{- $old := index . 1 -}}{{- $new := index . 2 -}}{{- $value := index . 3 -}}
{{- $given := include "secured.valueAt" (list $root.Values $new) | fromJson -}}
{{- $default := include "secured.valueAt" (list (index . 4) $new) | fromJson -}}
{{- if and (hasKey $given "value") (ne (toJson $given) (toJson $default)) (ne (toJson $given.value) (toJson $value)) -}}
{{- include "pyrox.fail" (list (printf "%s and %s are the same setting and have different values. %s is its old name: remove it." $old $new $old)) -}}
{{- end -}}
{{- $at := dict "map" $root.Values -}}
{{- range initial (splitList "." $new) -}}
{{- if not (kindIs "map" (get $at.map .)) -}}{{- $_ := set $at.map . dict -}}{{- end -}}
{{- $_ := set $at "map" (get $at.map .) -}}
{{- end -}}
{{- $_ := set $at.map (last (splitList "." $new)) $value -}}
{{- end -}}
