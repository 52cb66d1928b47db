{{- /* An address of the hub, or of its sign-in's callback, with another host or path than the hub's: no hub is there. */ -}}
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
{{- $base := ($hub.hub).baseUrl | default "/" }}
{{- if not (hasPrefix "/" $base) }}
jupyterhub.hub.baseUrl: '{{ $base }}' does not begin with /, so the hub would never be ready. Write /{{ $base }}.
{{- end }}
{{- range $host := $hosts }}
  {{- if not (regexMatch "^([*][.])?([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])*[a-z0-9]([a-z0-9-]*[a-z0-9])?$" $host) }}
jupyterhub: '{{ $host }}' is not a host name. In {{ $env }}, write the name alone in hosts, in small letters, without https://, port or path, such as {{ regexReplaceAll "^[a-z]+://" (lower $host) "" | splitList "/" | first | splitList ":" | first }}.
  {{- end }}
{{- end }}
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
{{- $public := ((($hub.hub).config).JupyterHub).public_url | default "" | toString }}
{{- $host := regexReplaceAll "^(https?://)?([^/:]*).*$" $public "${2}" | lower }}
{{- if and $public $hosts (not (or (has $host $hosts) (has (regexReplaceAll "^[^.]+" $host "*") $hosts))) }}
jupyterhub.hub.config.JupyterHub.public_url: '{{ $public }}' is not the address of the hub of {{ $env }} ({{ join ", " $hosts }}), and the hub would reject what browsers send. Write that host in config/{{ $env }}.yaml.
{{- else if and $hosts (hasPrefix "http://" $public) }}
jupyterhub.hub.config.JupyterHub.public_url: the hub's cookies would go over plain HTTP, too ('{{ $public }}'). Begin it with https://.
{{- end }}
{{- end }}
