{{- define "tollgate.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "tollgate.selector" -}}
app.kubernetes.io/name: tollgate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tollgate.labels" -}}
{{ include "tollgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* The pod, the same for both modes but for its network, its capability and where it writes. */}}
{{- define "tollgate.pod" -}}
metadata:
  labels:
    {{- include "tollgate.labels" . | nindent 4 }}
  annotations:
    # Another configuration is another pod.
    checksum/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 45
  {{- if eq .Values.mode "tap" }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- with .Values.tap.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tap.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- else }}
  topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "tollgate.selector" . | nindent 8 }}
  {{- end }}
  securityContext:
    fsGroup: 464
    seccompProfile: {type: RuntimeDefault}
  initContainers:
  - name: directories
    image: {{ include "tollgate.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    command: [install, -d, -m, "0750", /var/lib/tollgate/records]
    securityContext: {{- include "tollgate.security" . | nindent 6 }}
    volumeMounts:
    - {name: data, mountPath: /var/lib/tollgate}
  containers:
  - name: tollgate
    image: {{ include "tollgate.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args: [run, --config, /etc/tollgate]
    ports:
    - {name: admin, containerPort: 9464}
    {{- range .Values.ports }}
    - {name: {{ .name }}, containerPort: {{ .port }}, protocol: {{ .protocol | default "TCP" }}}
    {{- end }}
    # Fed by the decision loop: a loop that is stuck is ended.
    livenessProbe:
      httpGet: {path: /healthz, port: admin}
      periodSeconds: 5
      failureThreshold: 3
    startupProbe:
      httpGet: {path: /readyz, port: admin}
      periodSeconds: 2
      failureThreshold: 60
    readinessProbe:
      httpGet: {path: /readyz, port: admin}
      periodSeconds: 2
      failureThreshold: 1
    resources: {{- toYaml .Values.resources | nindent 6 }}
    securityContext: {{- include "tollgate.security" . | nindent 6 }}
    volumeMounts:
    - {name: config, mountPath: /etc/tollgate, readOnly: true}
    {{- if .Values.secretName }}
    - {name: secrets, mountPath: /etc/tollgate/secrets, readOnly: true}
    {{- end }}
    - {name: data, mountPath: /var/lib/tollgate}
  volumes:
  - name: config
    configMap: {name: {{ include "tollgate.name" . }}}
  {{- if .Values.secretName }}
  - name: secrets
    secret: {secretName: {{ .Values.secretName }}, defaultMode: 0440}
  {{- end }}
  {{- if eq .Values.mode "tap" }}
  - name: data
    hostPath: {path: {{ .Values.hostPath }}, type: DirectoryOrCreate}
  {{- end }}
{{- end -}}

{{- define "tollgate.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* A capability reaches only root in a container: a tap runs as root with that one, everything else as nobody special. */}}
{{- define "tollgate.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
{{- if eq .Values.mode "tap" }}
runAsUser: 0
capabilities: {drop: [ALL], add: [NET_RAW]}
{{- else }}
runAsNonRoot: true
runAsUser: 464
runAsGroup: 464
capabilities: {drop: [ALL]}
{{- end }}
{{- end -}}
