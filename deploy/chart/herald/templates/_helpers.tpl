{{- /* Names are fixed: a cluster has one Herald, since a node has one speaker. */ -}}

{{- define "herald.labels" -}}
{{ include "herald.selector" .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: herald
{{- end }}

{{- define "herald.selector" -}}
app.kubernetes.io/name: herald
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- define "herald.metadata" -}}
name: herald-{{ .component }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "herald.labels" . | nindent 2 }}
{{- end }}

{{- define "herald.clusterMetadata" -}}
name: herald-{{ .component }}
labels:
  {{- include "herald.labels" . | nindent 2 }}
{{- end }}

{{- define "herald.image" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- define "herald.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 5
  timeoutSeconds: 3
{{- end }}

{{- /* The uid of the image's user. Root only where NET_ADMIN is needed: the kubelet has no ambient capabilities for others. */ -}}
{{- define "herald.uid" -}}
65532
{{- end }}

{{- define "herald.speakerUid" -}}
{{ if or .Values.speaker.bindVIPs .Values.speaker.aggregates .Values.speaker.guardPools }}0{{ else }}{{ include "herald.uid" . }}{{ end }}
{{- end }}
