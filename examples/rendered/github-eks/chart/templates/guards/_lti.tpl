{{- /* Addresses where user names are the LMS's ids: nobody has such a name, and who had it has an empty home. */ -}}
{{- define "guard.lti-names" }}
{{- $hub := .Values.jupyterhub.hub | default dict }}
{{- $settings := ($hub.config).LTI13Authenticator | default dict }}
{{- if eq (toString $settings.username_key) "sub" }}
  {{- $lists := dict "config.LTI13Authenticator.allowed_users" $settings.allowed_users }}
  {{- range $name, $role := $hub.loadRoles }}
    {{- $_ := set $lists (printf "loadRoles.%s.users" $name) ($role).users }}
  {{- end }}
  {{- range $at, $names := $lists }}
    {{- range $names }}
      {{- if contains "@" (toString .) }}
jupyterhub.hub.{{ $at }}: '{{ . }}' is an e-mail address, and LTI13Authenticator.username_key is 'sub', the LMS's id. Write the id. If people have homes under their addresses, set username_key: email.
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
