{{/* The first part of all names: the release's name, with `lull` in it. */}}
{{- define "lull.name" -}}
{{- $name := ternary .Release.Name (printf "%s-lull" .Release.Name) (contains "lull" .Release.Name) -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{/* What selects the pods of a role. Parameters: root, role. */}}
{{- define "lull.selector" -}}
app.kubernetes.io/name: lull
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{/* The labels of everything that belongs to a role. Parameters: root, role. */}}
{{- define "lull.labels" -}}
{{ include "lull.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}
