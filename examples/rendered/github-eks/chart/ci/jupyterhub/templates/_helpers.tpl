{{- /* The named templates of the jupyterhub chart that our own templates include, for its default names and affinities. */ -}}
{{- define "jupyterhub.user-placeholder-priority.fullname" -}}{{ .Release.Name }}-user-placeholder-priority{{ end }}
{{- define "jupyterhub.user-scheduler.fullname" -}}{{ .Release.Name }}-user-scheduler{{ end }}
{{- define "jupyterhub.userAffinity" -}}
{{- include "jupyterhub.nodePurpose" (dict "purpose" "user" "match" .Values.scheduling.userPods.nodeAffinity.matchNodePurpose) }}
{{- end }}
{{- define "jupyterhub.coreAffinity" -}}
{{- with include "jupyterhub.nodePurpose" (dict "purpose" "core" "match" .Values.scheduling.corePods.nodeAffinity.matchNodePurpose) -}}
affinity:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}
{{- define "jupyterhub.nodePurpose" -}}
{{- $term := dict "matchExpressions" (list (dict "key" "hub.jupyter.org/node-purpose" "operator" "In" "values" (list .purpose))) }}
{{- if eq .match "require" -}}
nodeAffinity: {{ dict "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" (list $term)) | toJson }}
{{- else if eq .match "prefer" -}}
nodeAffinity: {{ dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "preference" $term)) | toJson }}
{{- end }}
{{- end }}
