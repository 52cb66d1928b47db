{{- /* One name for release and namespace, and for one environment: objects of the cluster carry it. */ -}}
{{- define "guard.release" }}
{{- $release := printf "%s-%s" .Chart.Name .Values.environment }}
{{- if ne .Release.Name $release }}
release: '{{ .Release.Name }}' is not the release of config/{{ .Values.environment }}.yaml ({{ $release }}). Use `make deploy ENV={{ .Values.environment }}`.
{{- else if and (include "hub.isRealCluster" .) (ne .Release.Namespace $release) }}
namespace: '{{ .Release.Namespace }}' is not the name of the release ({{ $release }}). Use `make deploy ENV={{ .Values.environment }}`.
{{- end }}
{{- end }}
