{{- /* An image that can change under a running class: no tag, or one that moves. */ -}}
{{- define "guard.image" }}
{{- $image := (.Values.jupyterhub.singleuser).image | default dict }}
{{- $name := $image.name | default "" }}
{{- $tag := $image.tag | default "" | toString }}
{{- if $name }}
  {{- if contains "@sha256:" $name }}
jupyterhub.singleuser.image.name: the chart puts a colon and image.tag behind '{{ $name }}'; end the name before the @, and write the digest in image.tag, as in 2026-11-02@sha256:…
  {{- /* The chart's own image has the chart's version as its tag, which stays where only the name is changed. */}}
  {{- else if and $tag (not (regexMatch "sample$" $name)) (eq $tag (((.Subcharts.jupyterhub).Chart).Version | default "" | toString)) }}
jupyterhub.singleuser.image.tag: {{ $name }} has no tag of its own, and gets the chart's '{{ $tag }}', which is the one of another image; write the tag beside image.name
  {{- else }}
    {{- include "hub.pinned" (dict "image" (ternary (printf "%s:%s" $name $tag) $name (ne $tag "")) "at" "jupyterhub.singleuser.image.tag") }}
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
{{- if contains "@sha256:" $last }}
{{- else if not (contains ":" $last) }}
{{ .at }}: '{{ .image }}' has no tag, and means latest; give a tag that does not move, or a digest
{{- else if hasSuffix ":latest" $last }}
{{ .at }}: '{{ .image }}' is another image every week; give a tag that does not move, or a digest
{{- end }}
{{- end }}

{{- /* Students choose a profile by its name, and KubeSpawner fails without one. */ -}}
{{- define "guard.profiles" }}
{{- range $number, $profile := (.Values.jupyterhub.singleuser).profileList | default list }}
  {{- if not $profile.display_name }}
jupyterhub.singleuser.profileList[{{ $number }}].display_name: it is empty, and without the name the page that offers the profiles fails; write what students shall read
  {{- end }}
{{- end }}
{{- end }}
