{{/* A pod of `helm test`. (list $ check) */}}
{{- define "secured.testPod" -}}
{{- $root := index . 0 -}}{{- $check := index . 1 -}}
{{- $name := printf "stackrox-secured-test-%s" $check -}}
apiVersion: v1
kind: Pod
metadata: {{- include "pyrox.metadata" (list $root "pod" $name "sensor" (dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded") (dict "app" $name "sidecar.istio.io/inject" "false")) | nindent 2 }}
spec:
  serviceAccountName: stackrox-secured-test
  automountServiceAccountToken: {{ eq $check "webhook" }}
  restartPolicy: Never
  activeDeadlineSeconds: 120
  securityContext: {{- include "pyrox.podSecurityContext" (list $root 4000) | nindent 4 }}
  containers:
    - name: check
      {{- include "secured.image" (list $root $root.Values.image.main "main" "") | nindent 6 }}
      command: ["python3", "-c"]
      args:
        - |
          {{- $root.Files.Get "files/check.py" | nindent 10 }}
        - {{ $check }}
        - --namespace={{ $root.Release.Namespace }}
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
      projected:
        defaultMode: 0440
        sources:
          {{- range list "sensor-tls" "service-ca" "tls-cert-sensor" }}
          - secret:
              name: {{ . }}
              optional: true
              items:
                - {key: ca.pem, path: {{ . }}.pem}
          {{- end }}
{{- end -}}
