{{/* A pod of `helm test`. (list $ name script) */}}
{{- define "central.testPod" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
apiVersion: v1
kind: Pod
metadata:
  {{- include "pyrox.metadata" (list $root "pod" $name "central" (dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded") (dict "app" $name "sidecar.istio.io/inject" "false")) | nindent 2 }}
spec:
  serviceAccountName: central
  automountServiceAccountToken: false
  restartPolicy: Never
  activeDeadlineSeconds: 120
  securityContext: {{- include "pyrox.podSecurityContext" (list $root 4000) | nindent 4 }}
  containers:
    - name: test
      image: {{ include "pyrox.image" (list $root $root.Values.central.image "main") | quote }}
      imagePullPolicy: {{ include "pyrox.pullPolicy" (list $root $root.Values.central.image) }}
      command: ["python3", "-c"]
      args:
        - |
          {{- index . 2 | nindent 10 }}
      resources:
        requests: {cpu: 10m, memory: 32Mi}
        limits: {cpu: 500m, memory: 128Mi}
      securityContext: {{- include "pyrox.containerSecurityContext" $root | nindent 8 }}
      volumeMounts:
        - name: ca
          mountPath: /run/secrets/stackrox.io/ca
          readOnly: true
  volumes:
    - name: ca
      secret:
        secretName: {{ include "central.secretName" (list "central-tls" $root.Values.central.serviceTLS) }}
        items:
          - key: {{ include "central.isCertManaged" (list $root "central-tls" ($root.Values.central.serviceTLS | default dict)) | eq "true" | ternary "ca.crt" "ca.pem" }}
            path: ca.pem
{{- end -}}

{{- define "central.testFetch" -}}
import json, ssl, urllib.request
trust = ssl.create_default_context(cafile="/run/secrets/stackrox.io/ca/ca.pem")
{{- if or .Values.central.defaultTLS.cert .Values.central.defaultTLS.reference }}
# The certificate for people is not of the service CA; central-test-tls checks that CA.
trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
{{- end }}
def fetch(path):
    address = "https://central.{{ .Release.Namespace }}.svc:443" + path
    with urllib.request.urlopen(address, context=trust, timeout=30) as answer:
        return json.load(answer)
{{- end -}}
