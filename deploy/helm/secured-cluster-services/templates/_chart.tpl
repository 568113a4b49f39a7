{{/* What _pyrox.tpl leaves to the chart, and what only this chart needs. */}}

{{/* Labels of every object of this chart beyond the common ones, as YAML. ($) */}}
{{- define "pyrox.chartLabels" -}}
auto-upgrade.stackrox.io/component: sensor
{{- end -}}

{{/* ($) */}}
{{- define "pyrox.pullSecrets" -}}
{{- $names := include "pyrox.pullSecretNames" (list . .Values.imagePullSecrets "secured-cluster-services-main") | fromYamlArray -}}
{{- range $image := list "main" "collector" -}}
{{- $own := omit (get $.Values (printf "%sImagePullSecrets" $image)) "useFromDefaultServiceAccount" -}}
{{- $names = concat $names (include "pyrox.pullSecretNames" (list $ $own (printf "secured-cluster-services-%s" $image)) | fromYamlArray) -}}
{{- end -}}
{{- toYaml ($names | uniq) -}}
{{- end -}}

{{/* Items of a ServiceAccount that name the pull secrets. ($) */}}
{{- define "secured.accountPullSecrets" -}}
{{- with include "pyrox.pullSecrets" . | fromYamlArray }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Refuse values that contradict each other; every install passes through here once. ($) */}}
{{- define "secured.check" -}}
{{- include "pyrox.checkRelease" . -}}
{{- $values := .Values -}}
{{- if and $values.helmManaged (not $values.clusterName) (ne .Release.Name "test-release") -}}
{{- include "pyrox.fail" (list "No cluster name specified. Set clusterName to a name that no other cluster in Central has: `--set clusterName=...`.") -}}
{{- end -}}
{{- if and $values.confirmNewClusterName (ne $values.confirmNewClusterName $values.clusterName) -}}
{{- include "pyrox.fail" (list (printf "confirmNewClusterName is \"%s\" but clusterName is \"%s\": both must be the new name." $values.confirmNewClusterName $values.clusterName)) -}}
{{- end -}}
{{- include "secured.checkName" . -}}
{{- if and $values.crs.file (include "secured.bundle" .) -}}
{{- include "pyrox.fail" (list "Both an init bundle and a cluster registration secret are given. Use one: leave out crs.file, or the values of the init bundle.") -}}
{{- end -}}
{{- if and $values.crs.file (not $values.helmManaged) -}}
{{- include "pyrox.fail" (list "A cluster registration secret needs helmManaged=true: the certificates that it brings are renewed by Sensor.") -}}
{{- end -}}
{{- if and $values.crs.file (not (include "secured.crsAuthority" .)) -}}
{{- include "pyrox.fail" (list "crs.file is not a cluster registration secret: it must be the manifest of a Secret with the key `crs`, as `roxctl central crs generate` writes it.") -}}
{{- end -}}
{{- if and $values.imagePullSecrets.username (not $values.imagePullSecrets.password) -}}
{{- include "pyrox.fail" (list "imagePullSecrets.username is set without imagePullSecrets.password.") -}}
{{- end -}}
{{- range $key := list "mainImagePullSecrets" "collectorImagePullSecrets" -}}
{{- if and (get $values $key).username (not (get $values $key).password) -}}
{{- include "pyrox.fail" (list (printf "%s.username is set without %s.password." $key $key)) -}}
{{- end -}}
{{- end -}}
{{- if and $values.scannerV4.db.persistence.none $values.scannerV4.db.persistence.hostPath -}}
{{- include "pyrox.fail" (list "scannerV4.db.persistence: set one of none, hostPath and persistentVolumeClaim.") -}}
{{- end -}}
{{- range $key := list "sensor" "collector" "admissionControl" -}}
{{- $pair := (get $values $key).serviceTLS | default dict -}}
{{- if and (or $pair.cert $pair.key) (not (and $pair.cert $pair.key $values.ca.cert)) -}}
{{- include "pyrox.fail" (list (printf "%s.serviceTLS is incomplete: it needs cert, key, and ca.cert beside it. Give the whole init bundle: `-f init-bundle.yaml`." $key)) -}}
{{- end -}}
{{- end -}}
{{- if and (kindIs "bool" $values.createSecrets) $values.createSecrets (not (include "secured.bundle" .)) -}}
{{- include "pyrox.fail" (list "createSecrets=true needs an init bundle: `-f init-bundle.yaml`. Leave createSecrets empty when the secrets are applied with kubectl.") -}}
{{- end -}}
{{- if and (kindIs "bool" $values.auditLogs.disableCollection) (not $values.auditLogs.disableCollection) (not (include "secured.openshift" .)) -}}
{{- include "pyrox.fail" (list "auditLogs.disableCollection=false needs OpenShift 4: elsewhere the API server's audit log cannot be read.") -}}
{{- end -}}
{{- end -}}

{{/* Refuse another name for a cluster that has one already, where the chart can see it. ($) */}}
{{- define "secured.checkName" -}}
{{- if and .Values.meta.useLookup .Values.helmManaged -}}
{{- $known := lookup "v1" "Secret" .Release.Namespace "helm-effective-cluster-name" | default dict -}}
{{- $name := get ($known.data | default dict) "cluster-name" | b64dec -}}
{{- if and $name (ne $name .Values.clusterName) (ne .Values.confirmNewClusterName .Values.clusterName) -}}
{{- include "pyrox.fail" (list (printf "This cluster is known to Central as \"%s\" and clusterName is \"%s\". To give it the new name, also set confirmNewClusterName=%s." $name .Values.clusterName .Values.clusterName)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" when the values hold an init bundle. ($) */}}
{{- define "secured.bundle" -}}
{{- $found := "" -}}
{{- range list .Values.sensor .Values.collector .Values.admissionControl -}}
{{- if (.serviceTLS | default dict).cert -}}{{- $found = "true" -}}{{- end -}}
{{- end -}}
{{- $found -}}
{{- end -}}

{{/* "true" when the chart makes the secrets of the init bundle. ($) */}}
{{- define "secured.makesSecrets" -}}
{{- if and (include "secured.bundle" .) (not (and (kindIs "bool" .Values.createSecrets) (not .Values.createSecrets))) -}}true{{- end -}}
{{- end -}}

{{/* The key `crs` of the secret in `crs.file`, decoded once; empty where there is none. ($) */}}
{{- define "secured.crsPayload" -}}
{{- if .Values.crs.file -}}
{{- $manifest := .Values.crs.file | fromYaml -}}
{{- get ($manifest.stringData | default dict) "crs" | default (get ($manifest.data | default dict) "crs" | default "" | b64dec) -}}
{{- end -}}
{{- end -}}

{{/* The first CA in `crs.file`, as PEM; empty where there is none. ($) */}}
{{- define "secured.crsAuthority" -}}
{{- if .Values.crs.file -}}
{{- $document := include "secured.crsPayload" . | b64dec | fromJson -}}
{{- with $document.CAs -}}{{- first . -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The service CA as PEM: from the values, else from the cluster where the chart may look; else empty,
     and the bootstrap Job sets it. ($) */}}
{{- define "secured.authority" -}}
{{- $pem := .Values.ca.cert | default (include "secured.crsAuthority" .) -}}
{{- if and (not $pem) .Values.meta.useLookup -}}
{{- range $name := list "service-ca" "sensor-tls" "tls-cert-sensor" -}}
{{- if not $pem -}}
{{- $secret := lookup "v1" "Secret" $.Release.Namespace $name | default dict -}}
{{- $pem = get ($secret.data | default dict) "ca.pem" | default "" | b64dec -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $pem -}}
{{- end -}}

{{/* "true" on OpenShift 4. ($) */}}
{{- define "secured.openshift" -}}{{- include "pyrox.openshift" . -}}{{- end -}}

{{/* Address of Central. An https address without a port means 443. ($) */}}
{{- define "secured.centralEndpoint" -}}
{{- $endpoint := .Values.centralEndpoint | default (printf "central.%s.svc:443" .Release.Namespace) -}}
{{- if and (hasPrefix "https://" $endpoint) (not (regexMatch ":[0-9]+$" $endpoint)) -}}
{{- $endpoint = printf "%s:443" $endpoint -}}
{{- end -}}
{{- $endpoint -}}
{{- end -}}

{{/* Port of Central's address. ($) */}}
{{- define "secured.centralPort" -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" (include "secured.centralEndpoint" .)) | default "443" -}}
{{- end -}}

{{/* ($) */}}
{{- define "secured.sensorEndpoint" -}}
{{- .Values.sensor.endpoint | default (printf "sensor.%s.svc:443" .Release.Namespace) -}}
{{- end -}}

{{/* "true" when Central is in this namespace, whose scanner serves this cluster too. ($) */}}
{{- define "secured.beside" -}}
{{- $said := .Values.scannerV4.centralInNamespace -}}
{{- if kindIs "bool" $said -}}
{{- if $said -}}true{{- end -}}
{{- else if and .Values.meta.useLookup (lookup "apps/v1" "Deployment" .Release.Namespace "central") -}}true
{{- end -}}
{{- end -}}

{{/* "true" unless Scanner V4 is switched off. ($) */}}
{{- define "secured.scannerV4" -}}
{{- if not .Values.scannerV4.disable -}}true{{- end -}}
{{- end -}}

{{/* "true" when the chart installs the Indexer and its database. ($) */}}
{{- define "secured.indexer" -}}
{{- $asked := eq (toString .Values.scanner.disable) "false" -}}
{{- if kindIs "bool" .Values.scannerV4.disable -}}{{- $asked = not .Values.scannerV4.disable -}}{{- end -}}
{{- if and $asked (not (include "secured.beside" .)) -}}true{{- end -}}
{{- end -}}

{{/* "true" when Sensor scans images by an Indexer in this namespace. ($) */}}
{{- define "secured.localScanning" -}}
{{- $said := .Values.sensor.localImageScanning.enabled -}}
{{- if kindIs "bool" $said -}}
{{- if $said -}}true{{- end -}}
{{- else -}}{{- include "secured.indexer" . -}}
{{- end -}}
{{- end -}}

{{/* "true" when policies refuse workloads. ($) */}}
{{- define "secured.enforce" -}}
{{- if or (kindIs "invalid" .Values.admissionControl.enforce) .Values.admissionControl.enforce -}}true{{- end -}}
{{- end -}}

{{/* "true" when Prometheus may reach a component's metrics. (list $ values) */}}
{{- define "secured.exposed" -}}
{{- $own := (index . 1).exposeMonitoring -}}
{{- if or (and (kindIs "bool" $own) $own) (and (not (kindIs "bool" $own)) (index . 0).Values.exposeMonitoring) -}}true{{- end -}}
{{- end -}}

{{/* "true" when Collector watches the kernel. ($) */}}
{{- define "secured.collects" -}}
{{- if ne .Values.collector.collectionMethod "NO_COLLECTION" -}}true{{- end -}}
{{- end -}}

{{/* Image without tag or digest, as the cluster's configuration in Central wants it. (list $ values name) */}}
{{- define "secured.repository" -}}
{{- regexReplaceAll "(@sha256:[0-9a-f]+|:[^:/]+)$" (include "pyrox.image" .) "" -}}
{{- end -}}

{{/* Values of one image with the component's pull policy. (list image pullPolicy) */}}
{{- define "secured.imageValues" -}}
{{- $values := deepCopy (index . 0 | default dict) -}}
{{- if $values.repository -}}{{- $_ := set $values "name" $values.repository -}}{{- end -}}
{{- if index . 1 -}}{{- $_ := set $values "pullPolicy" (index . 1) -}}{{- end -}}
{{- toYaml $values -}}
{{- end -}}

{{/* `image` and `imagePullPolicy` of a container. (list $ image name pullPolicy) */}}
{{- define "secured.image" -}}
{{- $values := include "secured.imageValues" (list (index . 1) (index . 3)) | fromYaml -}}
image: {{ include "pyrox.image" (list (index . 0) $values (index . 2)) | quote }}
imagePullPolicy: {{ include "pyrox.pullPolicy" (list (index . 0) $values) }}
{{- end -}}

{{/* Items of `env:` of every container that asks who it is. ($) */}}
{{- define "secured.podEnv" -}}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end -}}

{{/* Volumes of a service's certificates: the process takes those that Sensor keeps, else those of the
     init bundle, and copies them into `certs`. (list service mode optional), optional being whether the pod
     starts without the renewed ones: it finds them within a minute, a pod that waits within seconds */}}
{{- define "secured.certVolumes" -}}
{{- $service := index . 0 -}}
- name: certs
  emptyDir:
    medium: Memory
    sizeLimit: 1Mi
- name: certs-legacy
  secret:
    secretName: {{ $service }}-tls
    optional: true
    defaultMode: {{ index . 1 }}
    items:
      - key: ca.pem
        path: ca.pem
      - key: {{ $service }}-cert.pem
        path: cert.pem
      - key: {{ $service }}-key.pem
        path: key.pem
- name: certs-new
  secret:
    secretName: tls-cert-{{ $service }}
    optional: {{ index . 2 }}
    defaultMode: {{ index . 1 }}
{{- end -}}

{{/* Mounts of those volumes. */}}
{{- define "secured.certMounts" -}}
- name: certs
  mountPath: /run/secrets/stackrox.io/certs/
- name: certs-legacy
  mountPath: /run/secrets/stackrox.io/certs-legacy/
  readOnly: true
- name: certs-new
  mountPath: /run/secrets/stackrox.io/certs-new/
  readOnly: true
{{- end -}}

{{/* What Sensor tells Central about this cluster, without the fingerprint, as YAML. ($) */}}
{{- define "secured.clusterConfig" -}}
{{- $images := .Values.image -}}
staticConfig:
  type: {{ include "secured.openshift" . | eq "true" | ternary "OPENSHIFT4_CLUSTER" "KUBERNETES_CLUSTER" }}
  mainImage: {{ include "secured.repository" (list . (include "secured.imageValues" (list $images.main "") | fromYaml) "main") | quote }}
  collectorImage: {{ include "secured.repository" (list . (include "secured.imageValues" (list $images.collector "") | fromYaml) "collector") | quote }}
  centralApiEndpoint: {{ include "secured.centralEndpoint" . | quote }}
  collectionMethod: {{ include "secured.collects" . | eq "true" | ternary "CORE_BPF" "NO_COLLECTION" }}
  admissionController: true
  admissionControllerUpdates: true
  admissionControllerEvents: true
  admissionControllerFailOnError: {{ eq .Values.admissionControl.failurePolicy "Fail" }}
  tolerationsConfig:
    disabled: {{ .Values.collector.disableTaintTolerations }}
  slimCollector: false
dynamicConfig:
  disableAuditLogs: {{ kindIs "bool" .Values.auditLogs.disableCollection | ternary .Values.auditLogs.disableCollection (not (include "secured.openshift" .)) }}
  admissionControllerConfig:
    enabled: {{ include "secured.enforce" . | eq "true" | ternary true false }}
    timeoutSeconds: {{ include "secured.webhookSeconds" . }}
    scanInline: true
    disableBypass: {{ .Values.admissionControl.dynamic.disableBypass }}
    enforceOnUpdates: {{ include "secured.enforce" . | eq "true" | ternary true false }}
  registryOverride: {{ .Values.registryOverride | quote }}
  autoLockProcessBaselinesConfig:
    enabled: {{ .Values.autoLockProcessBaselines.enabled }}
  processIndicators:
    noPersistence: {{ .Values.processIndicators.noPersistence }}
    excludeOpenshiftNs: {{ .Values.processIndicators.excludeOpenshiftNs }}
    excludeNamespaceFilter: {{ .Values.processIndicators.excludeNamespaceFilter | quote }}
clusterLabels: {{- toYaml .Values.clusterLabels | nindent 2 }}
{{- end -}}

{{/* How long a review may wait for scans; since 4.9 upstream's chart has no other value. */}}
{{- define "secured.webhookSeconds" -}}10{{- end -}}

{{/* What changes when the cluster's configuration does: Central applies it anew then. Keys and
     certificates do not count. ($) */}}
{{- define "secured.fingerprint" -}}
{{- $values := omit (toJson .Values | fromJson) "ca" "crs" "imagePullSecrets" "additionalCAs" -}}
{{- range list "sensor" "collector" "admissionControl" -}}
{{- $_ := set $values . (omit (get $values .) "serviceTLS") -}}
{{- end -}}
{{- .Values.meta.configFingerprintOverride | default (toJson $values | sha256sum) -}}
{{- end -}}

{{/* Who manages the cluster. ($) */}}
{{- define "secured.manager" -}}
{{- .Values.managedBy | default (ternary "MANAGER_TYPE_HELM_CHART" "MANAGER_TYPE_MANUAL" .Values.helmManaged) -}}
{{- end -}}

{{/* Versions at the first install, by which later releases may choose defaults; kept where the chart
     can see them. ($) */}}
{{- define "secured.firstVersion" -}}
{{- $known := dict -}}
{{- if .Values.meta.useLookup -}}
{{- $known = lookup "v1" "ConfigMap" .Release.Namespace "stackrox-secured-cluster-helm" | default dict -}}
{{- end -}}
{{- $parts := splitList "." .Chart.AppVersion -}}
{{- dict "installAppVersion" .Chart.AppVersion "installXYVersion" (printf "%s.%s" (index $parts 0) (index $parts 1)) | merge ($known.data | default dict) | toYaml -}}
{{- end -}}

{{/* Credentials for the registries of all images. ($) */}}
{{- define "secured.dockerConfig" -}}
{{- $root := index . 0 -}}{{- $login := index . 1 -}}
{{- $password := $login.password | default "" -}}
{{- $entry := dict "username" $login.username "password" $password "auth" (printf "%s:%s" $login.username $password | b64enc) -}}
{{- $auths := dict -}}
{{- $image := $root.Values.image -}}
{{- $names := dict "main" $image.main "collector" $image.collector "scanner-v4" $image.scannerV4 "scanner-v4-db" $image.scannerV4DB -}}
{{- range $name, $values := $names -}}
{{- $host := include "pyrox.image" (list $root (include "secured.imageValues" (list $values "") | fromYaml) $name) | splitList "/" | first -}}
{{- $_ := set $auths (eq $host "docker.io" | ternary "https://index.docker.io/v1/" $host) $entry -}}
{{- end -}}
{{- dict "auths" $auths | toJson -}}
{{- end -}}
