{{- /* Profiles that KubeSpawner cannot show, and keys that it ignores: a restriction among them restricts nobody. */ -}}
{{- define "guard.profiles" }}
{{- $at := "jupyterhub.singleuser.profileList" }}
{{- $slugs := list }}
{{- range $number, $profile := (.Values.jupyterhub.singleuser).profileList | default list }}
  {{- $here := printf "%s[%d]" $at $number }}
  {{- if not $profile.display_name }}
{{ $here }}.display_name: it is empty, and without it the page that offers the profiles fails. Write the name that students read.
  {{- end }}
  {{- $slug := $profile.slug | default $profile.display_name | default "" }}
  {{- if and $slug (has $slug $slugs) }}
{{ $here }}: another profile has the name '{{ $slug }}', so students who choose this one get that one. Give it another display_name or slug.
  {{- end }}
  {{- $slugs = append $slugs $slug }}
  {{- include "hub.ignoredKeys" (dict "root" $ "at" $here "set" $profile "known" (list "default" "description" "display_name" "kubespawner_override" "profile_options" "slug")) }}
  {{- range $option, $set := $profile.profile_options | default dict }}
    {{- $here := printf "%s.profile_options.%s" $here $option }}
    {{- include "hub.ignoredKeys" (dict "root" $ "at" $here "set" $set "known" (list "choices" "description" "display_name" "slug" "unlisted_choice")) }}
    {{- range $choice, $set := ($set).choices | default dict }}
      {{- /* Other forms than KubeSpawner's own show description and slug; nothing depends on them. */}}
      {{- include "hub.ignoredKeys" (dict "root" $ "at" (printf "%s.choices.%s" $here $choice) "set" $set "known" (list "default" "description" "display_name" "kubespawner_override" "slug")) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- $known := .Files.Get "files/spawner_settings.yaml" | fromYamlArray }}
{{- $hub := .Values.jupyterhub.hub | default dict }}
{{- if not (or (($hub.config).JupyterHub).spawner_class (contains "spawner_class" (values ($hub.extraConfig | default dict) | join "\n"))) }}
  {{- range $place := include "hub.overrides" . | fromJsonArray }}
    {{- range $key, $_ := $place.set }}
      {{- if not (has $key $known) }}
{{ $place.at }}.{{ $key }}: KubeSpawner has no such setting, so it has no effect. {{ if eq $key "default" }}Move it out of kubespawner_override.{{ else }}Remove it, or correct its name.{{ end }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "hub.ignoredKeys" }}
{{- range $key, $_ := .set }}
  {{- if and (not (has $key $.known)) (not (include "hub.ownCodeHas" (dict "root" $.root "text" $key))) }}
{{ $.at }}.{{ $key }}: KubeSpawner does not read it{{ if contains "allowed" $key }}, so everybody may choose this{{ end }}. Remove it, or set jupyterhub.hub.image or hub.extraConfig to what reads it.
  {{- end }}
{{- end }}
{{- end }}
