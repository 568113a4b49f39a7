{{/* A pod of `helm test`. (list $ name image pullPolicy containerItems), the last being YAML:
     command, args and env of its container. */}}
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
      image: {{ index . 2 | quote }}
      imagePullPolicy: {{ index . 3 }}
      {{- index . 4 | nindent 6 }}
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

{{/* The same with a Python script, in the image of Central. (list $ name script) */}}
{{- define "central.testScriptPod" -}}
{{- $root := index . 0 -}}
{{- $image := $root.Values.central.image -}}
{{- $script := printf "%s\n%s" (include "central.testScript" $root) (index . 2) -}}
{{- include "central.testPod" (list $root (index . 1) (include "pyrox.image" (list $root $image "main")) (include "pyrox.pullPolicy" (list $root $image)) (toYaml (dict "command" (list "python3" "-c") "args" (list $script)))) -}}
{{- end -}}

{{/* The beginning of each script: `patiently` tries a minute long, since Central may just have begun. */}}
{{- define "central.testScript" -}}
import json, socket, ssl, sys, time, urllib.request

trust = ssl.create_default_context(cafile="/run/secrets/stackrox.io/ca/ca.pem")

def patiently(action, *arguments):
    for attempt in range(20):
        try:
            return action(*arguments)
        except OSError as err:
            reason = err
            time.sleep(3)
    sys.exit(f"{arguments[0]}: {reason}; look at: kubectl -n {{ .Release.Namespace }} get pods")

def fetch(path):
    {{- if or .Values.central.defaultTLS.cert .Values.central.defaultTLS.reference }}
    # The certificate for people is not of the service CA.
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    {{- end }}
    address = "https://central.{{ .Release.Namespace }}.svc:443" + path
    with urllib.request.urlopen(address, context=trust, timeout=30) as answer:
        return json.load(answer)

def check(service, port):
    host = f"{service}.{{ .Release.Namespace }}.svc"
    with socket.create_connection((host, port), 30) as plain:
        with trust.wrap_socket(plain, server_hostname=host) as secure:
            subject = dict(pair[0] for pair in secure.getpeercert()["subject"])
    print(f"{host}:{port}: {subject['commonName']!r} is of the service CA")
{{- end -}}
