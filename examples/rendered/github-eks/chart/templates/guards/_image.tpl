{{- /* An image that can change under a running class: no tag, or one that moves. */ -}}
{{- define "guard.image" }}
{{- $image := (.Values.jupyterhub.singleuser).image | default dict }}
{{- $name := $image.name | default "" }}
{{- $tag := $image.tag | default "" | toString }}
{{- if $name }}
  {{- if contains "@sha256:" $name }}
jupyterhub.singleuser.image.name: the chart adds a colon and image.tag to '{{ $name }}'. End the name before the @, and write the digest in image.tag, as in 2026-11-02@sha256:…
  {{- /* The chart's own image has the chart's version as its tag, which stays where only the name is changed. */}}
  {{- else if and $tag (not (regexMatch "sample$" $name)) (eq $tag (((.Subcharts.jupyterhub).Chart).Version | default "" | toString)) }}
jupyterhub.singleuser.image.tag: {{ $name }} has no tag of its own, and gets the one of the chart's image ('{{ $tag }}'). Write its tag beside image.name.
  {{- else if not $tag }}
jupyterhub.singleuser.image.tag: '{{ $name }}' has no tag. Write a tag that does not move, such as a date, or a digest.
  {{- else }}
    {{- include "hub.pinned" (dict "image" (printf "%s:%s" $name $tag) "at" "jupyterhub.singleuser.image.tag") }}
  {{- end }}
{{- end }}
{{- range $place := include "hub.places" . | fromJsonArray }}
  {{- with $place.image }}
    {{- include "hub.pinned" (dict "image" . "at" $place.imageAt) }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "hub.pinned" }}
{{- $last := splitList "/" .image | last }}
{{- /* A student types the rest of {value}. */}}
{{- if or (contains "@sha256:" $last) (contains "{" .image) }}
{{- else if not (contains ":" $last) }}
[moving-tags] {{ .at }}: '{{ .image }}' has no tag, which means latest. Write a tag that does not move, or a digest.
{{- else if regexMatch ":(latest|main|master|stable|devel?|develop|edge|nightly|release|prod|production|staging|current|head|HEAD)$" $last }}
[moving-tags] {{ .at }}: '{{ .image }}' is another image after each push. Write a tag that does not move, such as a date, or a digest.
{{- end }}
{{- end }}

{{- /* A pull secret for another registry than that of the images, or none where new images are private. */ -}}
{{- define "guard.pull-secret" }}
{{- $hub := .Values.jupyterhub }}
{{- $image := ($hub.singleuser).image | default dict }}
{{- $secret := $hub.imagePullSecret | default dict }}
{{- $own := $image.name | default "" }}
{{- $hosts := list (include "hub.registry" $own) }}
{{- with (($hub.hub).image).name }}
  {{- $hosts = append $hosts (include "hub.registry" .) }}
{{- end }}
{{- range $place := include "hub.places" . | fromJsonArray }}
  {{- with $place.image }}
    {{- $hosts = append $hosts (include "hub.registry" .) }}
  {{- end }}
{{- end }}
{{- if and $secret.create $secret.registry (not (has (include "hub.registry" (printf "%s/" $secret.registry)) $hosts)) }}
jupyterhub.imagePullSecret.registry: no image comes from there ('{{ $secret.registry }}'). Write the registry of the image: {{ uniq $hosts | join " or " }}.
{{- else if and (has (include "hub.registry" $own) (list "ghcr.io" "registry.gitlab.com")) (not (or $secret.create $hub.imagePullSecrets $image.pullSecrets)) }}
[public-image] jupyterhub.imagePullSecret.create: '{{ $own }}' has no pull secret, and images there are private unless you have changed that. Set create: true with registry and username.
{{- end }}
{{- end }}

{{- /* The host of an image's registry. */ -}}
{{- define "hub.registry" -}}
{{- $first := regexReplaceAll "^https?://" . "" | splitList "/" | first }}
{{- if and (contains "/" .) (or (contains "." $first) (contains ":" $first)) (not (hasSuffix "docker.io" $first)) }}{{ $first }}{{ else }}docker.io{{ end }}
{{- end }}
