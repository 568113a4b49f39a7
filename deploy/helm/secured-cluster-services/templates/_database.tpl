{{/*
The Indexer's PostgreSQL: Deployment, Service, configuration and claim, in the form of Central DB's.
Each takes (list $ database), database being a dict: name, component, account, values, image,
passwordSecret, certSecret, hba (rules for replication), settings, authMethod.
*/}}

{{- define "secured.databaseConfig" -}}
{{- $root := index . 0 -}}{{- $db := index . 1 -}}
apiVersion: v1
kind: ConfigMap
metadata: {{- include "pyrox.metadata" (list $root "configmap" (printf "%s-config" $db.name) $db.component) | nindent 2 }}
data:
  postgresql.conf: |
    {{- if $db.values.postgresConfig }}
    {{- $db.values.postgresConfig | nindent 4 }}
    {{- else }}
    {{- $size := (include "pyrox.size" (list $root $db.name) | fromYaml).postgres }}
    hba_file = '/etc/stackrox.d/config/pg_hba.conf'
    listen_addresses = '*'
    unix_socket_directories = '/run/postgresql'
    password_encryption = scram-sha-256
    ssl = on
    ssl_ca_file = '/run/secrets/stackrox.io/certs/root.crt'
    ssl_cert_file = '/run/secrets/stackrox.io/certs/server.crt'
    ssl_key_file = '/run/secrets/stackrox.io/certs/server.key'
    ssl_min_protocol_version = 'TLSv1.2'
    dynamic_shared_memory_type = posix
    {{- range $key, $value := $size }}
    {{ $key }} = {{ $value }}
    {{- end }}
    hash_mem_multiplier = 2
    shared_preload_libraries = 'pg_stat_statements'
    log_timezone = 'Etc/UTC'
    timezone = 'Etc/UTC'
    datestyle = 'iso, mdy'
    default_text_search_config = 'pg_catalog.english'
    {{- range $key, $value := $db.settings }}
    {{ $key }} = {{ $value }}
    {{- end }}
    # Parameters of statements may be secrets.
    log_parameter_max_length = 0
    log_parameter_max_length_on_error = 0
    {{- end }}
  pg_hba.conf: |
    {{- if $db.values.hbaConfig }}
    {{- $db.values.hbaConfig | nindent 4 }}
    {{- else }}
    # TYPE   DATABASE     USER  ADDRESS       METHOD
    local    all          all                 scram-sha-256
    host     all          all   127.0.0.1/32  scram-sha-256
    host     all          all   ::1/128       scram-sha-256
    {{- range $db.hba }}
    {{ . }}
    {{- end }}
    hostnossl all         all   all           reject
    hostssl  all          all   all           scram-sha-256
    {{- end }}
{{- end -}}

{{- define "secured.databaseDeployment" -}}
{{- $root := index . 0 -}}{{- $db := index . 1 -}}
{{- $values := $db.values -}}
{{- $size := include "pyrox.size" (list $root $db.name) | fromYaml -}}
{{- $image := include "secured.image" (list $root $root.Values.image.scannerV4DB $db.name "") -}}
{{- $config := $values.configOverride | default (printf "%s-config" $db.name) -}}
{{- $resources := include "pyrox.resources" (list $root $db.name $values.resources) -}}
apiVersion: apps/v1
kind: Deployment
metadata: {{- include "pyrox.metadata" (list $root "deployment" $db.name $db.component (dict) (dict "app" $db.name)) | nindent 2 }}
spec:
  replicas: 1
  minReadySeconds: 15
  revisionHistoryLimit: {{ $values.revisionHistoryLimit }}
  selector:
    matchLabels:
      app: {{ $db.name }}
  # Two servers must never have the same files.
  strategy:
    type: Recreate
  template:
    metadata: {{- include "pyrox.podMetadata" (list $root "deployment" $db.name $db.component (dict "checksum/config" (include "secured.databaseConfig" . | sha256sum))) | nindent 6 }}
    spec:
      serviceAccountName: {{ $db.account }}
      automountServiceAccountToken: false
      # The cert-watcher sends PostgreSQL a signal.
      shareProcessNamespace: true
      {{- include "pyrox.scheduling" (list $root $db.name $values) | nindent 6 }}
      securityContext: {{- include "pyrox.podSecurityContext" (list $root 70) | nindent 8 }}
      initContainers:
        - name: init-db
          {{- $image | nindent 10 }}
          command: ["init-entrypoint.sh"]
          env: {{- include "pyrox.env" (list $root "deployment" $db.name "init-db" (include "secured.databaseEnv" $db)) | nindent 12 }}
          resources: {{- $resources | nindent 12 }}
          securityContext:
            runAsUser: 70
            runAsGroup: 70
            {{- include "pyrox.containerSecurityContext" $root | nindent 12 }}
          volumeMounts:
            - name: disk
              mountPath: /var/lib/postgresql/data
            - name: {{ $db.name }}-password
              mountPath: /run/secrets/stackrox.io/secrets
              readOnly: true
            - name: tmp
              mountPath: /tmp
            - name: run
              mountPath: /run/postgresql
      containers:
        - name: {{ $db.containerName | default $db.name }}
          {{- $image | nindent 10 }}
          args: ["-c", "config_file=/etc/stackrox.d/config/postgresql.conf", "-c", "hba_file=/etc/stackrox.d/config/pg_hba.conf"]
          ports:
            - name: postgresql
              containerPort: 5432
              protocol: TCP
          env: {{- include "pyrox.env" (list $root "deployment" $db.name ($db.containerName | default $db.name) (include "secured.databaseEnv" $db)) | nindent 12 }}
          {{- $ready := dict "exec" (dict "command" (list "/bin/sh" "-c" "exec pg_isready -U postgres -h 127.0.0.1 -p 5432")) }}
          {{- /* 1 is "rejects connections": it recovers, is told to end, or its disk is full. */}}
          {{- $alive := dict "exec" (dict "command" (list "/bin/sh" "-c" "pg_isready -q -U postgres -h 127.0.0.1 -p 5432; [ $? -lt 2 ]")) }}
          {{- $defaults := dict
                "startup" (dict "action" $alive "periodSeconds" 5 "timeoutSeconds" 5 "failureThreshold" 120)
                "readiness" (dict "action" $ready "periodSeconds" 10 "timeoutSeconds" 5 "failureThreshold" 3)
                "liveness" (dict "action" $alive "periodSeconds" 30 "timeoutSeconds" 10 "failureThreshold" 6) }}
          {{- include "pyrox.probes" (list $root (dict "action" $ready "defaults" $defaults "values" $values.probes)) | nindent 10 }}
          resources: {{- $resources | nindent 12 }}
          securityContext:
            runAsUser: 70
            runAsGroup: 70
            {{- include "pyrox.containerSecurityContext" $root | nindent 12 }}
          volumeMounts: {{- include "secured.databaseMounts" $db | nindent 12 }}
            - name: config-volume
              mountPath: /etc/stackrox.d/config/
              readOnly: true
            - name: shared-memory
              mountPath: /dev/shm
            {{- with $values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
        - name: cert-watcher
          {{- $image | nindent 10 }}
          command: ["cert-watcher.sh"]
          env: {{- include "pyrox.env" (list $root "deployment" $db.name "cert-watcher" (include "secured.databaseEnv" $db)) | nindent 12 }}
          resources: {{- include "pyrox.resources" (list $root "cert-watcher" dict) | nindent 12 }}
          securityContext:
            runAsUser: 70
            runAsGroup: 70
            {{- include "pyrox.containerSecurityContext" $root | nindent 12 }}
          volumeMounts: {{- include "secured.databaseMounts" $db | nindent 12 }}
        {{- with $values.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        - name: disk
          {{- $persistence := $values.persistence }}
          {{- if $persistence.hostPath }}
          hostPath:
            path: {{ $persistence.hostPath }}
          {{- else if $persistence.none }}
          emptyDir: {}
          {{- else }}
          persistentVolumeClaim:
            claimName: {{ $persistence.persistentVolumeClaim.claimName }}
          {{- end }}
        - name: config-volume
          configMap:
            name: {{ $config }}
        - name: {{ $db.name }}-password
          secret:
            secretName: {{ $values.password.existingSecret | default $db.passwordSecret }}
        - name: {{ $db.name }}-tls-volume
          secret:
            secretName: {{ $values.existingSecret | default $db.certSecret }}
            # PostgreSQL refuses a key that others may read.
            items:
              - {key: cert.pem, path: server.crt, mode: 0640}
              - {key: key.pem, path: server.key, mode: 0640}
              - {key: ca.pem, path: root.crt, mode: 0640}
        - name: shared-memory
          emptyDir:
            medium: Memory
            sizeLimit: {{ $size.shm }}
        - name: tmp
          emptyDir: {}
        - name: run
          emptyDir: {}
        {{- with $values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end -}}

{{- define "secured.databaseEnv" -}}
- name: PGDATA
  value: /var/lib/postgresql/data/pgdata
- name: POSTGRES_HOST_AUTH_METHOD
  value: {{ .authMethod }}
{{- range .env }}
- {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "secured.databaseMounts" -}}
- name: disk
  mountPath: /var/lib/postgresql/data
- name: {{ .name }}-tls-volume
  mountPath: /run/secrets/stackrox.io/certs
  readOnly: true
- name: tmp
  mountPath: /tmp
- name: run
  mountPath: /run/postgresql
{{- end -}}

{{- define "secured.databaseService" -}}
{{- $root := index . 0 -}}{{- $db := index . 1 -}}
apiVersion: v1
kind: Service
metadata: {{- include "pyrox.metadata" (list $root "service" $db.name $db.component) | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    app: {{ $db.name }}
  ports:
    - name: tcp-db
      port: 5432
      targetPort: postgresql
      protocol: TCP
{{- end -}}

{{/* The claim, which outlives the release. */}}
{{- define "secured.databaseStorage" -}}
{{- $root := index . 0 -}}{{- $db := index . 1 -}}
{{- $persistence := $db.values.persistence -}}
{{- $claim := $persistence.persistentVolumeClaim -}}
{{- $create := ternary true $claim.createClaim (kindIs "invalid" $claim.createClaim) -}}
{{- if and $create (not $persistence.none) (not $persistence.hostPath) }}
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{- include "pyrox.metadata" (list $root "persistentvolumeclaim" $claim.claimName $db.component (dict "helm.sh/resource-policy" "keep")) | nindent 2 }}
spec:
  accessModes: ["ReadWriteOnce"]
  {{- with $claim.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ regexMatch "^[0-9]+$" (toString $claim.size) | ternary (printf "%vGi" $claim.size) (toString $claim.size) }}
{{- end }}
{{- end -}}
