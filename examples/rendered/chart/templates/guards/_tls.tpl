{{- /* Exactly one way of TLS: two would each ask for a certificate, or serve the same host. */ -}}
{{- define "guard.tls" }}
{{- $ways := list }}
{{- if (.Values.jupyterhub.ingress).enabled }}
  {{- $ways = append $ways "jupyterhub.ingress.enabled" }}
{{- end }}
{{- if (.Values.jupyterhub.httpRoute).enabled }}
  {{- $ways = append $ways "jupyterhub.httpRoute.enabled" }}
{{- end }}
{{- if ((.Values.jupyterhub.proxy).https).enabled }}
  {{- $ways = append $ways "jupyterhub.proxy.https.enabled" }}
{{- end }}
{{- if gt (len $ways) 1 }}
{{ join " and " $ways }}: these are {{ len $ways }} ways of TLS at once; keep one of them true
{{- end }}
{{- end }}

{{- /* Passwords and cookies in clear text. */ -}}
{{- define "guard.http" }}
{{- $proxy := .Values.jupyterhub.proxy | default dict }}
{{- $https := $proxy.https | default dict }}
{{- $service := $proxy.service | default dict }}
{{- $type := $service.type | default "LoadBalancer" }}
{{- if or (ne $type "ClusterIP") $service.externalIPs }}
  {{- $at := ternary "jupyterhub.proxy.service.externalIPs" "jupyterhub.proxy.service.type" (eq $type "ClusterIP") }}
  {{- if not $https.enabled }}
{{ $at }}: {{ ternary "the addresses" $type (eq $type "ClusterIP") }} would serve the sign-in page over plain HTTP; make the type ClusterIP without externalIPs, or set jupyterhub.proxy.https
  {{- else if and (eq ($https.type | default "letsencrypt") "offload") (not $service.disableHttpPort) }}
jupyterhub.proxy.service.disableHttpPort: with https.type offload, port 80 of the {{ $type }} would serve the sign-in page over plain HTTP; make it true
  {{- end }}
{{- end }}
{{- range $section, $settings := (.Values.jupyterhub.hub).config }}
  {{- if kindIs "map" $settings }}
    {{- $callback := $settings.oauth_callback_url | default "" | toString }}
    {{- if and (hasPrefix "http://" $callback) (not (regexMatch "^http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/]" $callback)) }}
jupyterhub.hub.config.{{ $section }}.oauth_callback_url: '{{ $callback }}' sends the sign-in over plain HTTP; begin it with https://
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* https that has no host to be for: the chart leaves it out without a word. */ -}}
{{- define "guard.https" }}
{{- $https := (.Values.jupyterhub.proxy).https | default dict }}
{{- $type := $https.type | default "letsencrypt" }}
{{- if $https.enabled }}
  {{- if and (has $type (list "letsencrypt" "offload")) (not $https.hosts) }}
jupyterhub.proxy.https.hosts: it is empty, and https needs the host name that people type; write it in config/{{ .Values.environment }}.yaml
  {{- end }}
  {{- if eq $type "letsencrypt" }}
    {{- $contact := ($https.letsencrypt).contactEmail | default "" }}
    {{- if not $contact }}
jupyterhub.proxy.https.letsencrypt.contactEmail: it is empty, and Let's Encrypt wants an address to write to; give the course team's
    {{- else if and (include "hub.isRealCluster" .) (regexMatch "@(.*\\.)?example\\.(com|edu|net|org)$" $contact) }}
jupyterhub.proxy.https.letsencrypt.contactEmail: Let's Encrypt refuses '{{ $contact }}'; give the course team's address
    {{- end }}
  {{- else if and (eq $type "manual") (not (and ($https.manual).key ($https.manual).cert)) }}
jupyterhub.proxy.https.manual: https.type is manual, and it lacks the key or the cert; give both, or take another https.type
  {{- else if and (eq $type "secret") (not ($https.secret).name) }}
jupyterhub.proxy.https.secret.name: https.type is secret, and it is empty; name the Secret with the certificate
  {{- end }}
{{- end }}
{{- $ingress := .Values.jupyterhub.ingress | default dict }}
{{- if $ingress.enabled }}
  {{- if not $ingress.hosts }}
jupyterhub.ingress.hosts: it is empty, and the ingress would take every host name; write yours in config/{{ .Values.environment }}.yaml
  {{- end }}
  {{- $covered := list }}
  {{- range $ingress.tls }}
    {{- $covered = concat $covered (.hosts | default list) }}
  {{- end }}
  {{- range $ingress.hosts }}
    {{- if and (not (has . $covered)) (not (has (regexReplaceAll "^[^.]+" . "*") $covered)) }}
jupyterhub.ingress.tls: no entry has the host '{{ . }}', which would be served over plain HTTP; add one with its hosts and secretName
    {{- end }}
  {{- end }}
{{- end }}
{{- include "guard.route" . }}
{{- end }}

{{- /* The chart 5 reads a list in place of one gateway. Its own notice of that is in NOTES.txt, which Helm does not show
       for a dependency: without the guard, the route would belong to no Gateway, and nothing would reach the hub. */ -}}
{{- define "guard.route" }}
{{- $route := .Values.jupyterhub.httpRoute | default dict }}
{{- $version := .Subcharts.jupyterhub.Chart.Version }}
{{- $reads := ternary "parentRefs" "gateway" (semverCompare ">=5.0.0-0" $version) }}
{{- $refs := index $route $reads | default list }}
{{- $other := index $route (ternary "gateway" "parentRefs" (eq $reads "parentRefs")) }}
{{- if $route.enabled }}
  {{- if not $route.hostnames }}
jupyterhub.httpRoute.hostnames: it is empty, and the route would take every host name; write yours in config/{{ .Values.environment }}.yaml
  {{- end }}
  {{- if and $other (kindIs "map" $other) }}
    {{- $ref := dict "kind" "Gateway" }}
    {{- range $key, $value := $other }}
      {{- with $value }}
        {{- $_ := set $ref $key . }}
      {{- end }}
    {{- end }}
jupyterhub.httpRoute.gateway: the chart {{ $version }} does not read it. Remove it, and write `parentRefs: {{ list $ref | toJson }}` below jupyterhub.httpRoute
  {{- else if $other }}
jupyterhub.httpRoute.parentRefs: the chart {{ $version }} does not read it. Remove it, and write `gateway: {{ omit (first $other) "kind" "group" | toJson }}` below jupyterhub.httpRoute
  {{- else if not $refs }}
jupyterhub.httpRoute.{{ $reads }}: it is empty, and the route would belong to no Gateway. Name the Gateway and its listener for https
  {{- end }}
  {{- range $index, $ref := ternary $refs (list $refs) (kindIs "slice" $refs) }}
    {{- $key := printf "jupyterhub.httpRoute.%s" (ternary "gateway" (printf "parentRefs[%d]" $index) (eq $reads "gateway")) }}
    {{- if has ($ref.name | default "") (list "" "your-gateway") }}
{{ $key }}.name: '{{ $ref.name | default "" }}' is the chart's example; name the Gateway that listens for https
    {{- end }}
    {{- if has ($ref.sectionName | default "") (list "" "http") }}
{{ $key }}.sectionName: '{{ $ref.sectionName | default "" }}' includes plain HTTP; name the Gateway's listener for https
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* A sign-in that comes back to another host than the hub's: the provider sends people to where no hub is. */ -}}
{{- define "guard.callback" }}
{{- $hub := .Values.jupyterhub }}
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
{{- range $section, $settings := ($hub.hub).config }}
  {{- if kindIs "map" $settings }}
    {{- $callback := $settings.oauth_callback_url | default "" | toString }}
    {{- $host := regexReplaceAll "^https?://([^/:]*).*$" $callback "${1}" | lower }}
    {{- $known := or (has $host $hosts) (has (regexReplaceAll "^[^.]+" $host "*") $hosts) }}
    {{- if and $callback $hosts (not $known) (not (contains "fill-in--" $callback)) }}
jupyterhub.hub.config.{{ $section }}.oauth_callback_url: '{{ $callback }}' leads away from the hub of {{ $.Values.environment }}, which is at {{ join ", " $hosts }}; give it that host in config/{{ $.Values.environment }}.yaml, and register the same with the provider
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
