{{/*
Where each secret comes from: the bootstrap Job, the user's values, a secret that is there,
cert-manager, or the External Secrets Operator.
*/}}

{{/* The services with a certificate, as YAML: secret -> values, subject and slug. ($) */}}
{{- define "central.services" -}}
central-tls:
  values: {{ .Values.central.serviceTLS | default dict | toJson }}
  type: CENTRAL_SERVICE
  name: Central
  slug: central
  component: central
{{- if include "central.hasDb" . }}
central-db-tls:
  values: {{ .Values.central.db.serviceTLS | default dict | toJson }}
  type: CENTRAL_DB_SERVICE
  name: Central DB
  slug: central-db
  component: central
{{- end }}
{{- if include "central.scannerV4" . }}
scanner-v4-indexer-tls:
  values: {{ .Values.scannerV4.indexer.serviceTLS | default dict | toJson }}
  type: SCANNER_V4_INDEXER_SERVICE
  name: Scanner V4 Indexer
  slug: scanner-v4-indexer
  component: scanner-v4
scanner-v4-matcher-tls:
  values: {{ .Values.scannerV4.matcher.serviceTLS | default dict | toJson }}
  type: SCANNER_V4_MATCHER_SERVICE
  name: Scanner V4 Matcher
  slug: scanner-v4-matcher
  component: scanner-v4
scanner-v4-db-tls:
  values: {{ .Values.scannerV4.db.serviceTLS | default dict | toJson }}
  type: SCANNER_V4_DB_SERVICE
  name: Scanner V4 DB
  slug: scanner-v4-db
  component: scanner-v4
{{- end }}
{{- end -}}

{{/* The passwords, as YAML: secret -> values. ($) */}}
{{- define "central.passwords" -}}
central-db-password:
  values: {{ .Values.central.db.password | default dict | toJson }}
  component: central
{{- if include "central.scannerV4" . }}
scanner-v4-db-password:
  values: {{ .Values.scannerV4.db.password | default dict | toJson }}
  component: scanner-v4
{{- end }}
{{- end -}}

{{/* Name of the secret that a pod mounts. (list name values) */}}
{{- define "central.secretName" -}}
{{- (index . 1 | default dict).existingSecret | default (index . 0) -}}
{{- end -}}

{{/* Whether the External Secrets Operator brings a secret. (list $ name) */}}
{{- define "central.isExternal" -}}
{{- if and (index . 0).Values.externalSecrets.enabled (hasKey (index . 0).Values.externalSecrets.secrets (index . 1)) -}}true{{- end -}}
{{- end -}}

{{/* Whether cert-manager makes a service's certificate. (list $ name values) */}}
{{- define "central.isCertManaged" -}}
{{- if and (index . 0).Values.certManager.enabled (not (index . 2).existingSecret) (not (include "central.isExternal" (list (index . 0) (index . 1)))) -}}true{{- end -}}
{{- end -}}

{{/* Names of the secrets that the bootstrap Job shall see to, as a YAML list. ($) */}}
{{- define "central.bootstrapSecrets" -}}
{{- $root := . -}}
{{- $names := list -}}
{{- if .Values.bootstrap.enabled -}}
{{- range $name, $service := include "central.services" . | fromYaml -}}
{{- $own := $service.values -}}
{{- $generate := ternary true $own.generate (kindIs "invalid" $own.generate) -}}
{{- if and (eq $name "central-tls") (eq (toString $root.Values.ca.generate) "false") -}}{{- $generate = false -}}{{- end -}}
{{- if and $generate (not $own.existingSecret) (not $own.cert) (not $root.Values.certManager.enabled) (not (include "central.isExternal" (list $root $name))) -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}
{{- range $name, $password := include "central.passwords" . | fromYaml -}}
{{- $own := $password.values -}}
{{- $ours := or (ne $name "central-db-password") (not $root.Values.central.db.external) -}}
{{- $generate := ternary true $own.generate (kindIs "invalid" $own.generate) -}}
{{- if and $ours $generate (not $own.existingSecret) (not $own.value) (not (include "central.isExternal" (list $root $name))) -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}
{{- $admin := .Values.central.adminPassword -}}
{{- $generate := ternary true $admin.generate (kindIs "invalid" $admin.generate) -}}
{{- if and (or $generate $admin.value) (not $admin.existingSecret) (not $admin.htpasswd) (not (include "central.isExternal" (list $root "central-htpasswd"))) -}}
{{- $names = append $names "central-htpasswd" -}}
{{- end -}}
{{- end -}}
{{- toYaml (sortAlpha $names) -}}
{{- end -}}

{{/* `items:` of a service certificate's volume. (list $ name values certPath keyPath caPath mode) */}}
{{- define "central.certItems" -}}
{{- $managed := include "central.isCertManaged" (list (index . 0) (index . 1) (index . 2)) -}}
{{- $mode := index . 6 -}}
- key: {{ eq $managed "true" | ternary "tls.crt" "cert.pem" }}
  path: {{ index . 3 }}
  {{- with $mode }}
  mode: {{ . }}
  {{- end }}
- key: {{ eq $managed "true" | ternary "tls.key" "key.pem" }}
  path: {{ index . 4 }}
  {{- with $mode }}
  mode: {{ . }}
  {{- end }}
- key: {{ eq $managed "true" | ternary "ca.crt" "ca.pem" }}
  path: {{ index . 5 }}
  {{- with $mode }}
  mode: {{ . }}
  {{- end }}
{{- end -}}

{{/* Refuse values that contradict each other or lack a part. ($) */}}
{{- define "central.checkSecrets" -}}
{{- $v := .Values -}}
{{- $parts := dict "ca.cert" $v.ca.cert "ca.key" $v.ca.key "central.serviceTLS.cert" $v.central.serviceTLS.cert "central.serviceTLS.key" $v.central.serviceTLS.key "central.jwtSigner.key" $v.central.jwtSigner.key -}}
{{- $missing := list -}}{{- $given := list -}}
{{- range $path, $value := $parts -}}{{- if $value -}}{{- $given = append $given $path -}}{{- else -}}{{- $missing = append $missing $path -}}{{- end -}}{{- end -}}
{{- if and $given $missing (ne (join "," $given) "ca.cert") -}}
{{- include "pyrox.fail" (list (printf "Secret central-tls can only be made from values if all of its parts are given. Missing: %s. Set them, or remove %s and let the bootstrap Job make the secret." (join ", " $missing) (join ", " $given))) -}}
{{- end -}}
{{- range $name, $service := include "central.services" . | fromYaml -}}
{{- $own := $service.values -}}
{{- if and (or $own.cert $own.key) (not (and $own.cert $own.key $v.ca.cert)) -}}
{{- include "pyrox.fail" (list (printf "Secret %s can only be made from values if serviceTLS.cert, serviceTLS.key and ca.cert are given." $name)) -}}
{{- end -}}
{{- end -}}
{{- $admin := $v.central.adminPassword -}}
{{- if and $admin.value $admin.htpasswd -}}
{{- include "pyrox.fail" (list "Both central.adminPassword.value and central.adminPassword.htpasswd are set: remove one.") -}}
{{- end -}}
{{- if and (or $v.central.defaultTLS.cert $v.central.defaultTLS.key) (not (and $v.central.defaultTLS.cert $v.central.defaultTLS.key)) -}}
{{- include "pyrox.fail" (list "central.defaultTLS needs both cert and key.") -}}
{{- end -}}
{{- if and $v.imagePullSecrets.username (not $v.imagePullSecrets.password) -}}
{{- include "pyrox.fail" (list "imagePullSecrets.username is set without imagePullSecrets.password.") -}}
{{- end -}}
{{- if $v.central.db.external -}}
{{- if not $v.central.db.source.connectionString -}}
{{- include "pyrox.fail" (list "central.db.external needs central.db.source.connectionString.") -}}
{{- end -}}
{{- if not (or $v.central.db.password.value $v.central.db.password.existingSecret (eq (toString $v.central.db.password.generate) "false") (include "central.isExternal" (list . "central-db-password"))) -}}
{{- include "pyrox.fail" (list "central.db.external needs the database's password: set central.db.password.value or central.db.password.existingSecret, or set central.db.password.generate=false when secret central-db-password is there.") -}}
{{- end -}}
{{- end -}}
{{- if regexMatch "(^|\\s)password\\s*=" ($v.central.db.source.connectionString | default "") -}}
{{- include "pyrox.fail" (list "central.db.source.connectionString must not hold a password: use central.db.password.") -}}
{{- end -}}
{{- if $v.certManager.enabled -}}
{{- if not (and $v.certManager.issuerRef.name $v.certManager.caSecretName) -}}
{{- include "pyrox.fail" (list "certManager.enabled needs certManager.issuerRef.name and certManager.caSecretName.") -}}
{{- end -}}
{{- end -}}
{{- if $v.externalSecrets.enabled -}}
{{- if not $v.externalSecrets.secretStoreRef.name -}}
{{- include "pyrox.fail" (list "externalSecrets.enabled needs externalSecrets.secretStoreRef.name.") -}}
{{- end -}}
{{- $known := concat (keys (include "central.services" . | fromYaml)) (keys (include "central.passwords" . | fromYaml)) (list "central-htpasswd" "central-license" "central-default-tls-cert" "central-encryption-key-chain" "proxy-config" "additional-ca") -}}
{{- range $name, $key := $v.externalSecrets.secrets -}}
{{- if not (has $name $known) -}}
{{- include "pyrox.fail" (list (printf "externalSecrets.secrets: %q is no secret of this chart; there are %s." $name (join ", " (sortAlpha $known)))) -}}
{{- end -}}
{{- end -}}
{{- if include "central.isExternal" (list . "central-tls") -}}
{{- range $name := include "central.bootstrapSecrets" . | fromYamlArray -}}
{{- if hasSuffix "-tls" $name -}}
{{- include "pyrox.fail" (list (printf "externalSecrets.secrets brings central-tls, whose CA the bootstrap Job cannot see before the install: list %s there too." $name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $path, $persistence := dict "central.db.persistence" $v.central.db.persistence "scannerV4.db.persistence" $v.scannerV4.db.persistence -}}
{{- if and $persistence.none $persistence.hostPath -}}
{{- include "pyrox.fail" (list (printf "%s: set one of none, hostPath and persistentVolumeClaim." $path)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
