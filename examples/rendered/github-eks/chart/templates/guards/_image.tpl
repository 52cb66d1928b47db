{{- /* An image that can change under a running class: no tag, or one that moves; and one that no registry has. */ -}}
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
{{- /* The tag of the chart's own images. A chart that was packaged from a branch has that of the branch. */}}
{{- $own := toString (((.Values.jupyterhub.singleuser).networkTools).image).tag }}
{{- $user := omit (.Values.jupyterhub.singleuser | default dict) "image" "extraAnnotations" "extraEnv" "extraFiles" "extraLabels" }}
{{- $places := dict
  "jupyterhub" (omit .Values.jupyterhub "hub" "singleuser")
  "jupyterhub.hub" (omit (.Values.jupyterhub.hub | default dict) "config" "extraConfig" "extraEnv" "extraFiles")
  "jupyterhub.singleuser" $user
  "backup" (.Values.backup | default dict)
}}
{{- range $section := list "KubeSpawner" "Spawner" }}
  {{- $_ := set $places (printf "jupyterhub.hub.config.%s" $section) (omit (get (($.Values.jupyterhub.hub).config | default dict) $section | default dict) "image" "environment") }}
{{- end }}
{{- range $path, $value := $places }}
  {{- include "hub.images" (dict "own" $own "path" $path "value" $value) }}
{{- end }}
{{- end }}

{{- /* Sentences for each image below `path`: a text, as in containers and profiles, or a map with name and tag, as in the chart. */ -}}
{{- define "hub.images" }}
{{- $path := .path }}
{{- if kindIs "slice" .value }}
  {{- range $number, $item := .value }}
    {{- include "hub.images" (dict "own" $.own "path" (printf "%s[%d]" $path $number) "value" $item) }}
  {{- end }}
{{- else if kindIs "map" .value }}
  {{- range $key, $value := .value }}
    {{- $at := printf "%s.%s" $path $key }}
    {{- if and (eq $key "image") (kindIs "string" $value) $value }}
      {{- include "hub.pinned" (dict "image" $value "at" $at) }}
    {{- else if and (kindIs "map" $value) ($value).name (hasKey ($value | default dict) "tag") }}
      {{- if not (and (hasPrefix "quay.io/jupyterhub/k8s-" $value.name) (eq (toString $value.tag) $.own)) }}
        {{- include "hub.pinned" (dict "image" (printf "%s:%s" $value.name (toString $value.tag)) "at" (printf "%s.tag" $at)) }}
      {{- end }}
    {{- else if not (has $key (list "environment" "extra_annotations" "extra_labels" "annotations" "labels")) }}
      {{- include "hub.images" (dict "own" $.own "path" $at "value" $value) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Sentences for an image that no registry has, because of its form, and for one that moves. */ -}}
{{- define "hub.pinned" }}
{{- $last := splitList "/" .image | last }}
{{- $path := regexReplaceAll "^[^/]*[.:][^/]*/" .image "" | splitList "@" | first | regexFind "^[^:]*" }}
{{- $digest := regexFind "@.*$" .image }}
{{- /* A student types the rest of {value}. */}}
{{- if contains "{" .image }}
{{- else if regexMatch "\\s" .image }}
{{ .at }}: there is a space in the image ('{{ .image }}'). Remove the space.
{{- else if contains "://" .image }}
{{ .at }}: the name of an image has no {{ regexFind "^[^:]*" .image }}:// ('{{ .image }}'). Write {{ regexReplaceAll "^[^:]*:/*" .image "" }}.
{{- else if and $digest (not (regexMatch "^@sha256:[0-9a-f]{64}$" $digest)) }}
{{ .at }}: a digest is sha256: and 64 of the digits 0-9 and a-f ('{{ trimPrefix "@" $digest }}', {{ regexFind "[^:]*$" $digest | len }}). Copy it from the registry again.
{{- else if ne $path (lower $path) }}
{{ .at }}: the name of an image has no capitals ('{{ .image }}'). Write {{ replace $path (lower $path) .image }}.
{{- else if not (regexMatch "^([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@.*)?$" .image) }}
{{ .at }}: it is not the name of an image ('{{ .image }}'). Write REGISTRY/NAME:TAG.
{{- else if $digest }}
{{- else if not (contains ":" $last) }}
[moving-tags] {{ .at }}: '{{ .image }}' has no tag, which means latest. Write a tag that does not move, or a digest.
{{- else if regexMatch "(^|/)jupyter/[a-z-]+:(aarch64-|x86_64-)?(cuda[0-9]*-|pytorch-|tensorflow-)?(python|ubuntu|lab|notebook|hub|r|julia|spark|java)-" .image }}
[moving-tags] {{ .at }}: Docker Stacks builds '{{ .image }}' again each week under the same tag. Write a tag that is a date, or a digest.
{{- else if regexMatch "(?i):(latest|main|master|stable|devel?|develop|edge|nightly|release|prod|production|staging|current|head)$" $last }}
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
