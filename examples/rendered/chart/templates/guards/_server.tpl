{{- /* What the chart passes on, and what then fails, or stops a server under a student's hands. */ -}}
{{- define "guard.server" }}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $cpu := $user.cpu | default dict }}
{{- if and $cpu.limit $cpu.guarantee (gt (float64 $cpu.guarantee) (float64 $cpu.limit)) }}
jupyterhub.singleuser.cpu.limit: {{ $cpu.limit }} is below jupyterhub.singleuser.cpu.guarantee, {{ $cpu.guarantee }}; raise the limit or lower the guarantee
{{- end }}
{{- $capacity := ($user.storage).capacity | default "" | toString }}
{{- if and $capacity (not (regexMatch "^[0-9.]+(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$" $capacity)) }}
jupyterhub.singleuser.storage.capacity: '{{ $capacity }}' is no size for Kubernetes; write it with Gi, such as {{ regexFind "^[0-9.]+" $capacity | default "10" }}Gi
{{- end }}
{{- $url := $user.defaultUrl | default "" }}
{{- if and $url (not (hasPrefix "/" $url)) }}
jupyterhub.singleuser.defaultUrl: '{{ $url }}' does not begin with /; write /{{ $url }}
{{- end }}
{{- $cull := .Values.jupyterhub.cull | default dict }}
{{- if and (ne (toString $cull.enabled) "false") (hasKey $cull "timeout") (lt (int64 $cull.timeout) 300) }}
jupyterhub.cull.timeout: {{ $cull.timeout }} seconds; students who read would lose their server; write seconds, such as 3600
{{- end }}
{{- end }}
