{{- /* A sign-in that comes back to another host or path than the hub's: the provider sends people where no hub is. */ -}}
{{- define "guard.callback" }}
{{- $hub := .Values.jupyterhub }}
{{- $env := .Values.environment }}
{{- $hosts := list }}
{{- if ($hub.ingress).enabled }}
  {{- $hosts = concat $hosts ($hub.ingress.hosts | default list) }}
{{- end }}
{{- if ($hub.httpRoute).enabled }}
  {{- $hosts = concat $hosts ($hub.httpRoute.hostnames | default list) }}
{{- end }}
{{- if (($hub.proxy).https).enabled }}
  {{- $hosts = concat $hosts ($hub.proxy.https.hosts | default list) }}
{{- end }}
{{- $path := printf "%s/hub/oauth_callback" (($hub.hub).baseUrl | default "/" | trimSuffix "/") }}
{{- range $section, $settings := ($hub.hub).config }}
  {{- if kindIs "map" $settings }}
    {{- $callback := $settings.oauth_callback_url | default "" | toString }}
    {{- $host := regexReplaceAll "^https?://([^/:]*).*$" $callback "${1}" | lower }}
    {{- $known := or (has $host $hosts) (has (regexReplaceAll "^[^.]+" $host "*") $hosts) }}
    {{- $at := printf "jupyterhub.hub.config.%s.oauth_callback_url" $section }}
    {{- if or (not $callback) (contains "fill-in--" $callback) }}
    {{- else if and $hosts (not $known) }}
{{ $at }}: '{{ $callback }}' is not an address of the hub of {{ $env }} ({{ join ", " $hosts }}). Write that host in config/{{ $env }}.yaml, and register the same address with the provider.
    {{- else if ne (regexReplaceAll "^https?://[^/]*" $callback "") $path }}
{{ $at }}: the hub does not answer at this path ('{{ $callback }}'). End it with {{ $path }}, and register the same address with the provider.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
