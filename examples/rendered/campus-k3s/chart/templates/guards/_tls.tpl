{{- /* The keys that turn TLS on, as JSON. The chart ignores proxy.https without hosts where it takes them. */ -}}
{{- define "hub.tlsKeys" -}}
{{- $keys := list }}
{{- if (.Values.jupyterhub.ingress).enabled }}
  {{- $keys = append $keys "jupyterhub.ingress.enabled" }}
{{- end }}
{{- if (.Values.jupyterhub.httpRoute).enabled }}
  {{- $keys = append $keys "jupyterhub.httpRoute.enabled" }}
{{- end }}
{{- $https := (.Values.jupyterhub.proxy).https | default dict }}
{{- if and $https.enabled (or $https.hosts (has ($https.type | default "") (list "manual" "secret"))) }}
  {{- $keys = append $keys "jupyterhub.proxy.https.enabled" }}
{{- end }}
{{- toJson $keys }}
{{- end }}

{{- /* Two ways of TLS would each request a certificate, or serve the same host. */ -}}
{{- define "guard.tls" }}
{{- $keys := include "hub.tlsKeys" . | fromJsonArray }}
{{- if gt (len $keys) 1 }}
{{ join " and " $keys }}: only one of them may turn on TLS (true). Set the others to false.
{{- end }}
{{- end }}

{{- /* Passwords and cookies in clear text. */ -}}
{{- define "guard.plain-http" }}
{{- $proxy := .Values.jupyterhub.proxy | default dict }}
{{- $https := $proxy.https | default dict }}
{{- $service := $proxy.service | default dict }}
{{- $type := $service.type | default "LoadBalancer" }}
{{- if or (ne $type "ClusterIP") $service.externalIPs }}
  {{- $at := ternary "jupyterhub.proxy.service.externalIPs" "jupyterhub.proxy.service.type" (eq $type "ClusterIP") }}
  {{- if not $https.enabled }}
{{ $at }}: the sign-in page would be served over plain HTTP ({{ ternary (toJson $service.externalIPs) $type (eq $type "ClusterIP") }}). Set type: ClusterIP without externalIPs, or set jupyterhub.proxy.https.
  {{- else if and (eq ($https.type | default "letsencrypt") "offload") (not $service.disableHttpPort) }}
jupyterhub.proxy.service.disableHttpPort: port 80 of the {{ $type }} would serve the sign-in page over plain HTTP, because https.type is offload (false). Set it to true.
  {{- end }}
{{- end }}
{{- range $section, $settings := (.Values.jupyterhub.hub).config }}
  {{- if kindIs "map" $settings }}
    {{- $callback := $settings.oauth_callback_url | default "" | toString }}
    {{- if and (hasPrefix "http://" $callback) (not (regexMatch "^http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/]" $callback)) }}
jupyterhub.hub.config.{{ $section }}.oauth_callback_url: people would sign in over plain HTTP ('{{ $callback }}'). Begin it with https://.
    {{- end }}
  {{- end }}
{{- end }}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- range $trait := list "authorize_url" "token_url" "userdata_url" "jwks_endpoint" }}
  {{- $url := get $own.settings $trait | default "" | toString }}
  {{- if and $url (not (regexMatch "^https://|^http://(localhost|127\\.0\\.0\\.1)[:/]" $url)) }}
jupyterhub.hub.config.{{ first $own.sections }}.{{ $trait }}: {{ ternary "the hub would take anybody's word for the provider's over plain HTTP" "it is not an address" (hasPrefix "http://" $url) }} ('{{ $url }}'). Begin it with https://.
  {{- end }}
{{- end }}
{{- if eq (toString $own.settings.validate_server_cert) "false" }}
[unverified-provider] jupyterhub.hub.config.{{ first $own.sections }}.validate_server_cert: anybody between the hub and the provider could say who signs in (false). Remove the line. For a certificate authority of your own, set http_request_kwargs: {ca_certs: FILE}.
{{- end }}
{{- if and (has "LDAPAuthenticator" $own.sections) (eq (toString $own.settings.tls_strategy) "insecure") }}
[plain-http] jupyterhub.hub.config.LDAPAuthenticator.tls_strategy: people's passwords would go to the server in clear text (insecure). Write before_bind or on_connect.
{{- end }}
{{- $ingress := .Values.jupyterhub.ingress | default dict }}
{{- if $ingress.enabled }}
  {{- $points := get ($ingress.annotations | default dict) "traefik.ingress.kubernetes.io/router.entrypoints" }}
  {{- if regexMatch "(^|,)\\s*web\\s*(,|$)" $points }}
[plain-http] jupyterhub.ingress.annotations.'traefik.ingress.kubernetes.io/router.entrypoints': the entry point web serves plain HTTP ('{{ $points }}'). Write websecure.
  {{- else if and (eq ($ingress.ingressClassName | default "") "traefik") (not $points) }}
[plain-http] jupyterhub.ingress.annotations: without an annotation Traefik serves the hub over plain HTTP, too. Add traefik.ingress.kubernetes.io/router.entrypoints: websecure.
  {{- end }}
{{- end }}
{{- end }}

{{- /* https without the host that it is for: the chart leaves it out without an error. */ -}}
{{- define "guard.https-settings" }}
{{- $env := .Values.environment }}
{{- $https := (.Values.jupyterhub.proxy).https | default dict }}
{{- $type := $https.type | default "letsencrypt" }}
{{- if and $https.enabled (has $type (list "letsencrypt" "offload")) (not $https.hosts) }}
  {{- with include "hub.tlsKeys" . | fromJsonArray }}
[warning] jupyterhub.proxy.https.enabled: it has no effect without hosts, because {{ first . }} turns on TLS (true). Remove it.
  {{- else }}
jupyterhub.proxy.https.hosts: https requires the host name that people type, and the list is empty. Write it in config/{{ $env }}.yaml.
  {{- end }}
{{- else if $https.enabled }}
  {{- if eq $type "letsencrypt" }}
    {{- $contact := ($https.letsencrypt).contactEmail | default "" }}
    {{- if not $contact }}
jupyterhub.proxy.https.letsencrypt.contactEmail: Let's Encrypt requires an address, and it is empty. Write the course team's.
    {{- else if and (include "hub.isRealCluster" .) (regexMatch "@(.*\\.)?example\\.(com|edu|net|org)$" $contact) }}
jupyterhub.proxy.https.letsencrypt.contactEmail: Let's Encrypt rejects '{{ $contact }}'. Write the course team's address.
    {{- end }}
  {{- else if and (eq $type "manual") (not (and ($https.manual).key ($https.manual).cert)) }}
jupyterhub.proxy.https.manual: https.type is manual, and the key or the cert is missing. Set both, or use another https.type.
  {{- else if and (eq $type "secret") (not ($https.secret).name) }}
jupyterhub.proxy.https.secret.name: https.type is secret, and the name is empty. Name the Secret that has the certificate.
  {{- end }}
{{- end }}
{{- $ingress := .Values.jupyterhub.ingress | default dict }}
{{- if $ingress.enabled }}
  {{- if not $ingress.hosts }}
jupyterhub.ingress.hosts: the list is empty, so the ingress would take every host name. Write yours in config/{{ $env }}.yaml.
  {{- end }}
  {{- $covered := list }}
  {{- range $number, $entry := $ingress.tls }}
    {{- $covered = concat $covered (($entry).hosts | default list) }}
    {{- if not ($entry).secretName }}
[default-certificate] jupyterhub.ingress.tls[{{ $number }}].secretName: it is empty, so browsers would get the ingress controller's own certificate, and warn. Write the name of the Secret that has the hub's.
    {{- end }}
  {{- end }}
  {{- range $ingress.hosts }}
    {{- if and (not (has . $covered)) (not (has (regexReplaceAll "^[^.]+" . "*") $covered)) }}
jupyterhub.ingress.tls: no entry has the host '{{ . }}', which would be served over plain HTTP. Add an entry with hosts and secretName.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
