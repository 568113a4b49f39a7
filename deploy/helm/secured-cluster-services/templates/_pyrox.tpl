{{/*
Named templates that both charts share. central-services holds the source; the copy in
secured-cluster-services is written by tools/gen_chart_docs.py and checked by `make check`.
What differs between the charts is in _chart.tpl: "pyrox.chartLabels".

Arguments come as one list whose first item is the root context, shown as (list $ …).
A "type" is the lower-case kind ("deployment", "service"), as in `customize.other`.
*/}}

{{/* First in every template: give values that a user's file left empty (`central:` with nothing
     below, or null) their defaults again, as upstream's charts do. Helm has removed them by
     then. Open maps such as an affinity stay empty when they alone were set to null. ($) */}}
{{- define "pyrox.init" -}}
{{- include "pyrox.chartInit" . -}}
{{- $made := .Files.Get "files/defaults.json" | fromJson -}}
{{- include "pyrox.fill" (list .Values $made.values $made.open "") -}}
{{- end -}}

{{- define "pyrox.fill" -}}
{{- $values := index . 0 -}}{{- $open := index . 2 -}}{{- $path := index . 3 -}}
{{- range $key, $default := index . 1 -}}
{{- $below := printf "%s%s" $path $key -}}
{{- if kindIs "invalid" (index $values $key) -}}
{{- if has $below $open -}}
{{- $_ := set $values $key dict -}}
{{- else if not (kindIs "invalid" $default) -}}
{{- $_ := set $values $key (deepCopy $default) -}}
{{- end -}}
{{- else if and (kindIs "map" $default) (kindIs "map" (index $values $key)) (not (has $below $open)) -}}
{{- include "pyrox.fill" (list (index $values $key) $default $open (printf "%s." $below)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Refuse to render. (list message) */}}
{{- define "pyrox.fail" -}}
{{- fail (printf "\n\nFATAL ERROR:\n%s" (index . 0 | wrap 100)) -}}
{{- end -}}

{{/* Refuse a namespace or release name that upstream's tools do not expect. ($) */}}
{{- define "pyrox.checkRelease" -}}
{{- if ne .Release.Name "test-release" -}}
{{- if and (ne .Release.Namespace "stackrox") (not .Values.allowNonstandardNamespace) -}}
{{- include "pyrox.fail" (list (printf "You have specified namespace \"%s\" to install into. The expected namespace is \"stackrox\": install with `--namespace stackrox`, or set allowNonstandardNamespace=true." .Release.Namespace)) -}}
{{- end -}}
{{- if and (ne .Release.Name .Chart.Name) (not .Values.allowNonstandardReleaseName) -}}
{{- include "pyrox.fail" (list (printf "You have specified release name \"%s\". The expected release name is \"%s\": use it, or set allowNonstandardReleaseName=true." .Release.Name .Chart.Name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Name of a cluster-scoped object: "stackrox:x" and "stackrox-x" as they are in namespace
     stackrox, with the prefix of the installation elsewhere. (list $ name) */}}
{{- define "pyrox.globalName" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- $namespace := $root.Release.Namespace -}}
{{- $default := ternary "stackrox" (printf "stackrox-%s" (trimPrefix "stackrox-" $namespace)) (eq $namespace "stackrox") -}}
{{- $prefix := $root.Values.globalPrefix | default $default -}}
{{- regexReplaceAll "^stackrox([-:])" $name (printf "%s${1}" $prefix) -}}
{{- end -}}

{{/* A map whose numbers and truth values have become texts, as labels and annotations must be. (map) */}}
{{- define "pyrox.texts" -}}
{{- $made := dict -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) -}}{{- $_ := set $made $key (include "pyrox.plain" $value) -}}{{- end -}}
{{- end -}}
{{- toYaml $made -}}
{{- end -}}

{{/* A value as text; a number of a values file, which Helm reads as a fraction, without an exponent. (value) */}}
{{- define "pyrox.plain" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) -}}{{- int64 . -}}{{- else -}}{{- toString . -}}{{- end -}}
{{- end -}}

{{/* The user's `customize` for one object as YAML, low to high precedence.
     (list $ type name section), section is labels, annotations, podLabels, podAnnotations or envVars */}}
{{- define "pyrox.customize" -}}
{{- $root := index . 0 -}}{{- $type := index . 1 -}}{{- $name := index . 2 -}}{{- $section := index . 3 -}}
{{- $all := $root.Values.customize | default dict -}}
{{- $other := $all.other | default dict -}}
{{- $sources := list $all (get $other (printf "%s/*" $type) | default dict) (get $other (printf "%s/%s" $type $name) | default dict) -}}
{{- if has $type (list "deployment" "daemonset") -}}
{{- $sources = append $sources (get $all $name | default dict) -}}
{{- end -}}
{{- $merged := dict -}}
{{- range $sources -}}
{{- $merged = mergeOverwrite $merged (deepCopy (get . $section | default dict)) -}}
{{- end -}}
{{- toYaml $merged -}}
{{- end -}}

{{/* Labels that every object has. (list $ type name component) */}}
{{- define "pyrox.labels" -}}
{{- $root := index . 0 -}}
{{- $labels := dict
      "app.kubernetes.io/name" "stackrox"
      "app.kubernetes.io/managed-by" $root.Release.Service
      "app.kubernetes.io/instance" $root.Release.Name
      "app.kubernetes.io/version" $root.Chart.AppVersion
      "app.kubernetes.io/part-of" $root.Chart.Name
      "app.kubernetes.io/component" (index . 3)
      "helm.sh/chart" (printf "%s-%s" $root.Chart.Name (replace "+" "_" $root.Chart.Version) | trunc 63 | trimSuffix "-") -}}
{{- $labels = mergeOverwrite $labels (include "pyrox.chartLabels" $root | fromYaml) -}}
{{- toYaml (mergeOverwrite $labels (include "pyrox.customize" (list $root (index . 1) (index . 2) "labels") | fromYaml)) -}}
{{- end -}}

{{/* Annotations that every object has. (list $ type name) */}}
{{- define "pyrox.annotations" -}}
{{- $root := index . 0 -}}
{{- $annotations := dict
      "meta.helm.sh/release-name" $root.Release.Name
      "meta.helm.sh/release-namespace" $root.Release.Namespace
      "owner" "stackrox"
      "email" "support@stackrox.com" -}}
{{- toYaml (mergeOverwrite $annotations (include "pyrox.customize" (list $root (index . 1) (index . 2) "annotations") | fromYaml)) -}}
{{- end -}}

{{/* Body of `metadata:` of a namespaced object. (list $ type name component) and, if wanted,
     a dict of more annotations (hooks) and a dict of more labels */}}
{{- define "pyrox.metadata" -}}
name: {{ index . 2 }}
namespace: {{ (index . 0).Release.Namespace }}
{{ include "pyrox.objectMeta" . }}
{{- end -}}

{{/* The same for an object of the whole cluster; the name is used as it is given. */}}
{{- define "pyrox.clusterMetadata" -}}
name: {{ index . 2 | quote }}
{{ include "pyrox.objectMeta" . }}
{{- end -}}

{{- define "pyrox.objectMeta" -}}
{{- $annotations := include "pyrox.annotations" . | fromYaml -}}
{{- $labels := include "pyrox.labels" . | fromYaml -}}
{{- if gt (len .) 4 -}}{{- $annotations = mergeOverwrite $annotations (index . 4) -}}{{- end -}}
{{- if gt (len .) 5 -}}{{- $labels = mergeOverwrite $labels (index . 5) -}}{{- end -}}
labels: {{- include "pyrox.texts" $labels | nindent 2 }}
annotations: {{- include "pyrox.texts" $annotations | nindent 2 }}
{{- end -}}

{{/* Body of a pod template's `metadata:`; label app=<name> is what Services and policies select.
     (list $ type name component) and, if wanted, dicts of more annotations and more labels */}}
{{- define "pyrox.podMetadata" -}}
{{- $labels := include "pyrox.labels" . | fromYaml -}}
{{- $labels = mergeOverwrite $labels (include "pyrox.customize" (list (index . 0) (index . 1) (index . 2) "podLabels") | fromYaml) -}}
{{- if gt (len .) 5 -}}{{- $labels = mergeOverwrite $labels (index . 5) -}}{{- end -}}
{{- $labels = mergeOverwrite $labels (dict "app" (index . 2) "sidecar.istio.io/inject" "false") -}}
{{- $annotations := include "pyrox.annotations" . | fromYaml -}}
{{- $annotations = mergeOverwrite $annotations (include "pyrox.customize" (list (index . 0) (index . 1) (index . 2) "podAnnotations") | fromYaml) -}}
{{- if gt (len .) 4 -}}{{- $annotations = mergeOverwrite $annotations (index . 4) -}}{{- end -}}
labels: {{- include "pyrox.texts" $labels | nindent 2 }}
annotations: {{- include "pyrox.texts" $annotations | nindent 2 }}
{{- end -}}

{{/* Items of a container's `env:`. The user's variables replace the chart's of the same name.
     (list $ type workload container items), items is the chart's own list as YAML text */}}
{{- define "pyrox.env" -}}
{{- $container := index . 3 -}}
{{- $custom := include "pyrox.customize" (list (index . 0) (index . 1) (index . 2) "envVars") | fromYaml -}}
{{- $wanted := dict -}}
{{- range $key, $value := $custom -}}
{{- if not (hasPrefix "/" $key) -}}{{- $_ := set $wanted $key $value -}}{{- end -}}
{{- end -}}
{{- $wanted = mergeOverwrite $wanted (get $custom (printf "/%s" $container) | default dict) -}}
{{- $items := list -}}
{{- range (index . 4 | fromYamlArray) -}}
{{- if not (hasKey $wanted .name) -}}{{- $items = append $items . -}}{{- end -}}
{{- end -}}
{{- range $key, $value := $wanted -}}
{{- if kindIs "map" $value -}}
{{- $items = append $items (dict "name" $key "valueFrom" $value) -}}
{{- else -}}
{{- $items = append $items (dict "name" $key "value" (include "pyrox.plain" $value)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $items -}}
{{- end -}}

{{/* Reference of an image. (list $ values defaultName); values has fullRef, registry, name, tag, digest */}}
{{- define "pyrox.image" -}}
{{- $root := index . 0 -}}{{- $own := index . 1 | default dict -}}
{{- $registry := $own.registry | default ($root.Values.global | default dict).imageRegistry | default $root.Values.image.registry -}}
{{- $tag := $own.tag | default $root.Values.image.tag | default $root.Chart.AppVersion -}}
{{- $reference := printf "%s/%s:%s" $registry ($own.name | default (index . 2)) (include "pyrox.plain" $tag) -}}
{{- if $own.digest -}}
{{- $reference = printf "%s/%s@%s" $registry ($own.name | default (index . 2)) $own.digest -}}
{{- end -}}
{{- $reference = $own.fullRef | default $reference -}}
{{- $host := splitList "/" $reference | first -}}
{{- if not (or (contains "." $host) (contains ":" $host) (eq $host "localhost")) -}}
{{- $reference = printf "docker.io/%s" $reference -}}
{{- end -}}
{{- $reference -}}
{{- end -}}

{{/* (list $ values) */}}
{{- define "pyrox.pullPolicy" -}}
{{- (index . 1 | default dict).pullPolicy | default (index . 0).Values.image.pullPolicy -}}
{{- end -}}

{{/* Names of pull secrets as a YAML list; `made` is the one that the chart itself makes.
     (list $ values made), values has username, useExisting, useFromDefaultServiceAccount */}}
{{- define "pyrox.pullSecretNames" -}}
{{- $root := index . 0 -}}{{- $values := index . 1 | default dict -}}
{{- $names := list -}}
{{- if $values.username -}}{{- $names = append $names (index . 2) -}}{{- end -}}
{{- $existing := $values.useExisting | default list -}}
{{- if kindIs "string" $existing -}}{{- $existing = regexSplit "\\s*[,;]\\s*" (trim $existing) -1 -}}{{- end -}}
{{- $names = concat $names $existing -}}
{{- if and $root.Values.meta.useLookup $values.useFromDefaultServiceAccount -}}
{{- $account := lookup "v1" "ServiceAccount" $root.Release.Namespace "default" | default dict -}}
{{- range $account.imagePullSecrets | default list -}}{{- $names = append $names .name -}}{{- end -}}
{{- end -}}
{{- toYaml ($names | uniq) -}}
{{- end -}}

{{/* The profile's sizes of one workload, as YAML. (list $ workload) */}}
{{- define "pyrox.size" -}}
{{- $values := (index . 0).Values -}}
{{- $default := deepCopy (get $values.profiles.default (index . 1) | default dict) -}}
{{- $chosen := get (get $values.profiles ($values.profile | default "default") | default dict) (index . 1) | default dict -}}
{{- toYaml (mergeOverwrite $default (deepCopy $chosen)) -}}
{{- end -}}

{{/* Body of `resources:`: the profile's, changed by the user's. A null takes the profile's number
     out; where only one of request and limit is the user's, the profile's other one gives way,
     since no request may be above its limit. (list $ workload values) */}}
{{- define "pyrox.resources" -}}
{{- $own := index . 2 | default dict -}}
{{- if kindIs "string" $own -}}{{- $own = fromYaml $own -}}{{- end -}}
{{- $size := include "pyrox.size" (list (index . 0) (index . 1)) | fromYaml -}}
{{- $made := $size.resources | default dict -}}
{{- range $part := list "requests" "limits" -}}
{{- $numbers := get $made $part | default dict -}}
{{- if and (hasKey $own $part) (kindIs "invalid" (get $own $part)) -}}{{- $numbers = dict -}}{{- end -}}
{{- range $name, $number := get $own $part | default dict -}}
{{- $_ := kindIs "invalid" $number | ternary (unset $numbers $name) (set (kindIs "invalid" $number | ternary dict $numbers) $name $number) -}}
{{- end -}}
{{- $_ := set $made $part $numbers -}}
{{- end -}}
{{- $requests := $own.requests | default dict -}}
{{- range $name, $limit := deepCopy $made.limits -}}
{{- $request := get $made.requests $name -}}
{{- if and (hasKey $made.requests $name) (gt (include "pyrox.quantity" $request | float64) (include "pyrox.quantity" $limit | float64)) -}}
{{- if not (hasKey $requests $name) -}}{{- $_ := set $made.requests $name $limit -}}
{{- else if not (hasKey ($own.limits | default dict) $name) -}}{{- $_ := set $made.limits $name $request -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $part := list "requests" "limits" -}}
{{- if not (get $made $part) -}}{{- $_ := unset $made $part -}}{{- end -}}
{{- end -}}
{{- with $own.claims -}}{{- $_ := set $made "claims" . -}}{{- end -}}
{{- toYaml $made -}}
{{- end -}}

{{/* A quantity in thousandths, to compare it: 1500m, 0.5, 2Gi. (value) */}}
{{- define "pyrox.quantity" -}}
{{- $units := dict "" 1e3 "m" 1.0 "k" 1e6 "M" 1e9 "G" 1e12 "T" 1e15 "P" 1e18 "Ki" 1024e3 "Mi" 1048576e3 "Gi" 1073741824e3 "Ti" 1099511627776e3 "Pi" 1125899906842624e3 -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9]+(\\.[0-9]+)?" $text -}}
{{- printf "%f" (mulf (float64 $number) (get $units (trimPrefix $number $text) | default 0.0)) -}}
{{- end -}}

{{/* "true" on OpenShift 4. ($) */}}
{{- define "pyrox.openshift" -}}
{{- $wanted := .Values.env.openshift -}}
{{- if kindIs "invalid" $wanted -}}
{{- $apis := .Values.meta.apiServer | default dict -}}
{{- $listed := concat ($apis.overrideAPIResources | default list) ($apis.extraAPIResources | default list) -}}
{{- if or (has "config.openshift.io/v1" $listed) (and (not $apis.overrideAPIResources) (.Capabilities.APIVersions.Has "config.openshift.io/v1")) -}}true{{- end -}}
{{- else if $wanted -}}true{{- end -}}
{{- end -}}

{{/* Body of a pod's `securityContext:` under the restricted standard. OpenShift gives each
     namespace users of its own (SCC restricted-v2), so that none is named there, but for
     PostgreSQL, which must be the user of its files: 70. (list $ uid) */}}
{{- define "pyrox.podSecurityContext" -}}
{{- $uid := index . 1 -}}
runAsNonRoot: true
{{- if or (eq (int $uid) 70) (not (include "pyrox.openshift" (index . 0))) }}
runAsUser: {{ $uid }}
runAsGroup: {{ $uid }}
fsGroup: {{ $uid }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Body of a container's `securityContext:` under the restricted standard. */}}
{{- define "pyrox.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: ["ALL"]
{{- end -}}

{{/* The three probes of a container over HTTP(S). Each can be changed, or switched off by false.
     (list $ dict) with scheme, path, port, defaults (dict of startup, readiness, liveness), values */}}
{{- define "pyrox.probes" -}}
{{- $given := index . 1 -}}
{{- $action := $given.action | default (dict "httpGet" (dict "scheme" $given.scheme "path" $given.path "port" $given.port)) -}}
{{- $probes := dict -}}
{{- range $kind, $default := $given.defaults -}}
{{- $own := get ($given.values | default dict) $kind -}}
{{- if not (and (kindIs "bool" $own) (not $own)) -}}
{{- $own = ternary $own dict (kindIs "map" $own) -}}
{{- $where := $default.action | default $action -}}
{{- $_ := set $probes (printf "%sProbe" $kind) (merge (deepCopy $own) (omit $default "action") (deepCopy $where)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $probes -}}
{{- end -}}

{{/* Where and how the pods of a workload run; items of a pod's spec.
     (list $ workload values), values has nodeSelector, tolerations, affinity, hostAliases, … */}}
{{- define "pyrox.scheduling" -}}
{{- $root := index . 0 -}}{{- $workload := index . 1 -}}{{- $own := index . 2 | default dict -}}
{{- with $own.nodeSelector }}
nodeSelector: {{- include "pyrox.texts" (kindIs "string" . | ternary (fromYaml (toString .)) .) | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.hostAliases }}
hostAliases: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $own.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ . }}
{{- end }}
{{- if kindIs "bool" $own.hostUsers }}
hostUsers: {{ $own.hostUsers }}
{{- end }}
{{- $spread := $own.topologySpreadConstraints }}
{{- if kindIs "invalid" $spread }}
topologySpreadConstraints:
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        app: {{ $workload }}
{{- end }}
{{- else if $spread }}
topologySpreadConstraints: {{- toYaml $spread | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A PodDisruptionBudget for workloads with more than one replica.
     (list $ workload component values), values is {enabled, minAvailable, maxUnavailable} */}}
{{- define "pyrox.podDisruptionBudget" -}}
{{- $own := index . 3 | default dict -}}
{{- if $own.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "pyrox.metadata" (list (index . 0) "poddisruptionbudget" (index . 1) (index . 2)) | nindent 2 }}
spec:
  {{- if not (kindIs "invalid" $own.minAvailable) }}
  minAvailable: {{ $own.minAvailable }}
  {{- else }}
  maxUnavailable: {{ kindIs "invalid" $own.maxUnavailable | ternary 1 $own.maxUnavailable }}
  {{- end }}
  selector:
    matchLabels:
      app: {{ index . 1 }}
{{- end }}
{{- end -}}

{{/* A HorizontalPodAutoscaler for a Deployment.
     (list $ workload component values), values is {minReplicas, maxReplicas, targetCPUUtilizationPercentage, behavior} */}}
{{- define "pyrox.autoscaler" -}}
{{- $own := index . 3 -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{- include "pyrox.metadata" (list (index . 0) "horizontalpodautoscaler" (index . 1) (index . 2)) | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ index . 1 }}
  minReplicas: {{ $own.minReplicas }}
  maxReplicas: {{ $own.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $own.targetCPUUtilizationPercentage }}
  {{- with $own.behavior }}
  behavior: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Egress rule for name resolution; part of every policy with egress. ($) */}}
{{- define "pyrox.dnsEgress" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
    # Some distributions' DNS pods listen here behind port 53.
    - port: 5353
      protocol: UDP
    - port: 5353
      protocol: TCP
  to:
    - namespaceSelector: {}
    - ipBlock:
        cidr: 169.254.0.0/16
{{- end -}}
