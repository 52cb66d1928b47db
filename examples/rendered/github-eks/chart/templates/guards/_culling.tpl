{{- /* Idle servers that never stop, and busy ones that do. All numbers are seconds. */ -}}
{{- define "guard.culling" }}
{{- $cull := .Values.jupyterhub.cull | default dict }}
{{- if eq (toString $cull.enabled) "false" }}
[no-culling] jupyterhub.cull.enabled: idle servers would run, and cost, until students stop them (false). Set it to true.
{{- else }}
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
