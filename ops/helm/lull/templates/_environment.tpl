{{/*
The environment of a role: what the chart sets itself, then `settings`. Parameters: root, role.

YAML's whole numbers reach a template as floats, which print as 8.64e+07.
*/}}
{{- define "lull.environment" -}}
- name: HOST
  value: {{ .root.Values.host | quote }}
- name: LULL_OPS_PORT
  value: "9090"
{{- if eq .role "api" }}
- name: PORT
  value: "3000"
{{- end }}
{{- if and (eq .role "worker") .root.Values.worker.handler }}
- name: LULL_WORKER_HANDLER
  value: {{ .root.Values.worker.handler | quote }}
{{- end }}
{{- range $name, $value := .root.Values.settings }}
- name: {{ $name }}
  value: {{ ternary (toString (int64 $value)) (toString $value) (kindIs "float64" $value) | quote }}
{{- end }}
{{- end }}

{{/* Fails with the remedy if the values contradict each other. */}}
{{- define "lull.check" -}}
{{- range $name, $value := .Values.settings }}
{{- if or (regexMatch "_(TOKEN|SECRET|PASSWORD|KEY)$" $name) (regexMatch "://[^/]*@" (toString $value)) }}
{{- fail (printf "settings.%s: Helm keeps values as plain text; put it into the secret that secrets.all or secrets.api names" $name) }}
{{- end }}
{{- if has $name (list "HOST" "PORT" "LULL_OPS_PORT" "LULL_WORKER_HANDLER") }}
{{- fail (printf "settings.%s: the chart sets it; see host, api.service.port and worker.handler in values.yaml" $name) }}
{{- end }}
{{- end }}
{{- $shutdownMs := int64 (dig "LULL_SHUTDOWN_MS" 25000 .Values.settings) }}
{{- $needed := add (mul 1000 .Values.preStopSeconds) $shutdownMs }}
{{- if le (mul 1000 .Values.terminationGracePeriodSeconds) $needed }}
{{- fail (printf "terminationGracePeriodSeconds: %v: must be more than preStopSeconds and LULL_SHUTDOWN_MS together, which are %v ms" .Values.terminationGracePeriodSeconds $needed) }}
{{- end }}
{{- end }}
