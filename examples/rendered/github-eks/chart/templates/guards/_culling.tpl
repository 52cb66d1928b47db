{{- /* Idle servers that never stop, and busy ones that do. All numbers are seconds. */ -}}
{{- define "guard.culling" }}
{{- $cull := .Values.jupyterhub.cull | default dict }}
{{- if eq (toString $cull.enabled) "false" }}
[no-culling] jupyterhub.cull.enabled: idle servers would run, and cost, until students stop them (false). Set it to true.
{{- else }}
  {{- if gt (int64 $cull.timeout) 604800 }}
[no-culling] jupyterhub.cull.timeout: idle servers would run, and cost, for {{ div (int64 $cull.timeout) 86400 }} days ({{ include "hub.text" $cull.timeout }} seconds). Write seconds, such as 3600.
  {{- end }}
  {{- if ge (int64 $cull.every) 86400 }}
[no-culling] jupyterhub.cull.every: idle servers would be looked for once in {{ include "hub.text" $cull.every }} seconds. Write seconds, such as 600.
  {{- end }}
  {{- $spawner := (((.Values.jupyterhub.hub).config).KubeSpawner) | default dict }}
  {{- if and (eq (toString $cull.users) "true") (eq ((((.Values.jupyterhub.singleuser).storage).type) | default "dynamic") "dynamic") (ne (toString $spawner.delete_pvc) "false") }}
jupyterhub.cull.users: with an idle student's account the volume with the student's files would be deleted (true). Set it to false, or set jupyterhub.hub.config.KubeSpawner.delete_pvc: false.
  {{- end }}
  {{- if and (hasKey $cull "timeout") (lt (int64 $cull.timeout) 300) }}
jupyterhub.cull.timeout: students who read would lose their servers ({{ include "hub.text" $cull.timeout }} seconds). Write seconds, such as 3600.
  {{- end }}
  {{- if and (hasKey $cull "every") (lt (int64 $cull.every) 10) }}
jupyterhub.cull.every: {{ include "hub.text" $cull.every }} is not an interval. Write seconds, such as 600.
  {{- end }}
  {{- if and (gt (int64 $cull.maxAge) 0) (lt (int64 $cull.maxAge) 14400) }}
[short-max-age] jupyterhub.cull.maxAge: servers would stop after {{ include "hub.text" $cull.maxAge }} seconds, while students work. Write seconds, such as 43200 for 12 hours, or 0 for no limit.
  {{- end }}
{{- end }}
{{- end }}
