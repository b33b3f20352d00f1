{{/*
The deployment of a role. Parameters: root, role, values (of the role), replicas (nil: an autoscaler decides), and for a
worker image, volumes, volumeMounts.
*/}}
{{- define "lull.deployment" -}}
{{- $root := .root -}}
{{- include "lull.check" $root }}
{{- $image := .image | default dict -}}
{{- $repository := $image.repository | default (required "image.repository: set it to where you pushed the image that the Dockerfile builds" $root.Values.image.repository) -}}
{{- $tag := $image.tag | default $root.Values.image.tag | default $root.Chart.AppVersion -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "lull.name" $root }}-{{ .role }}
  labels: {{- include "lull.labels" . | nindent 4 }}
spec:
  {{- if not (kindIs "invalid" .replicas) }}
  replicas: {{ .replicas }}
  {{- end }}
  # The new pod is ready before an old one ends.
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  selector:
    matchLabels: {{- include "lull.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "lull.labels" . | nindent 8 }}
        {{- with $root.Values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with $root.Values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      terminationGracePeriodSeconds: {{ $root.Values.terminationGracePeriodSeconds }}
      # Lull calls no Kubernetes.
      automountServiceAccountToken: false
      # Kubernetes would add a variable LULL_… for every port of a service whose name begins with `lull`.
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        # The user `node` of the image.
        runAsUser: 1000
        runAsGroup: 1000
        seccompProfile: { type: RuntimeDefault }
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      # Two pods of a role share a node only if there is no other.
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "lull.selector" . | nindent 14 }}
      {{- with $root.Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .role }}
          image: {{ printf "%s:%s" $repository $tag | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [{{ .role }}]
          env: {{- include "lull.environment" . | nindent 12 }}
          envFrom:
            - secretRef:
                name: {{ required "secrets.all: name a secret that has REDIS_URL" $root.Values.secrets.all }}
            {{- if eq .role "api" }}
            - secretRef:
                name: {{ required "secrets.api: name a secret that has LULL_API_TOKEN and your provider's secret" $root.Values.secrets.api }}
            {{- end }}
          ports:
            {{- if eq .role "api" }}
            - { name: http, containerPort: 3000 }
            {{- end }}
            - { name: ops, containerPort: 9090 }
          # As long as the process does not serve its probes it is starting, for a minute at most.
          startupProbe:
            httpGet: { path: /livez, port: ops }
            periodSeconds: 2
            failureThreshold: 30
          livenessProbe:
            httpGet: { path: /livez, port: ops }
            periodSeconds: 10
            timeoutSeconds: 3
            failureThreshold: 3
          readinessProbe:
            httpGet: { path: /readyz, port: ops }
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 2
          lifecycle:
            preStop:
              exec: { command: [sleep, {{ $root.Values.preStopSeconds | quote }}] }
          resources: {{- toYaml .values.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          {{- with .volumeMounts }}
          volumeMounts: {{- toYaml . | nindent 12 }}
          {{- end }}
      {{- with .volumes }}
      volumes: {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}

{{/* A node that is drained takes one pod of a role at a time. Parameters: root, role. */}}
{{- define "lull.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "lull.name" .root }}-{{ .role }}
  labels: {{- include "lull.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "lull.selector" . | nindent 6 }}
{{- end }}
