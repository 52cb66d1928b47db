{{- /* One name for release and namespace, and for one environment: objects of the cluster carry it. */ -}}
{{- define "guard.release" }}
{{- $release := printf "%s-%s" .Chart.Name .Values.environment }}
{{- if ne .Release.Name $release }}
release: '{{ .Release.Name }}' is not the release of config/{{ .Values.environment }}.yaml ({{ $release }}). Use `make deploy ENV={{ .Values.environment }}`.
{{- else if and (include "hub.isRealCluster" .) (ne .Release.Namespace $release) }}
namespace: '{{ .Release.Namespace }}' is not the name of the release ({{ $release }}). Use `make deploy ENV={{ .Values.environment }}`.
{{- end }}
{{- $names := .Values.jupyterhub.fullnameOverride }}
{{- if and (kindIs "string" $names) $names }}
jupyterhub.fullnameOverride: the robot student and the commands would not find the hub ('{{ $names }}'). Remove it: each environment has a namespace of its own.
{{- end }}
{{- range $section := list "KubeSpawner" "Spawner" }}
  {{- with (get (($.Values.jupyterhub.hub).config | default dict) $section | default dict).namespace }}
    {{- if and (ne . $release) (not (contains "{" .)) }}
jupyterhub.hub.config.{{ $section }}.namespace: the hub may start servers in its own namespace alone ('{{ . }}'). Remove it.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
