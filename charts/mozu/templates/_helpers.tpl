{{- define "mozu.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "mozu.selector" -}}
app.kubernetes.io/name: mozu
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mozu.labels" -}}
{{ include "mozu.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Name of the Secret of the listener. */}}
{{- define "mozu.http" -}}
{{ .Values.metrics.secret | default (printf "%s-http" (include "mozu.name" .)) }}
{{- end }}

{{- define "mozu.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The part of the configuration that the chart decides; `config` of the values is merged over it. */}}
{{- define "mozu.config" -}}
host: "${NODE_NAME}"
enrichers:
  - users
  - containers
{{- if .Values.kubernetes }}
  - kubernetes: {node: "${NODE_NAME}"}
{{- end }}
{{- if .Values.metrics.enabled }}
http:
  listen: "0.0.0.0:18765"
  token: {file: /etc/mozu/http/token}
  tls: {certificate: /etc/mozu/http/tls.crt, key: /etc/mozu/http/tls.key}
{{- end }}
{{- end }}
