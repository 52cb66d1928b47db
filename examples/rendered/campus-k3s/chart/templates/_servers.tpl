{{- /*
The places, besides singleuser itself, that override settings of KubeSpawner, as a JSON list: `at` is the path, `set` the
settings, `profile` the number of the profile. hub.config comes first and has no profile.
*/ -}}
{{- define "hub.overrides" -}}
{{- $places := list }}
{{- range $number, $profile := (.Values.jupyterhub.singleuser).profileList | default list }}
  {{- $at := printf "jupyterhub.singleuser.profileList[%d]" $number }}
  {{- $places = append $places (dict "at" (printf "%s.kubespawner_override" $at) "profile" $number "set" ($profile.kubespawner_override | default dict)) }}
  {{- range $option, $options := $profile.profile_options | default dict }}
    {{- range $choice, $chosen := ($options).choices | default dict }}
      {{- $places = append $places (dict "at" (printf "%s.profile_options.%s.choices.%s.kubespawner_override" $at $option $choice) "profile" $number "set" (($chosen).kubespawner_override | default dict)) }}
    {{- end }}
    {{- with (($options).unlisted_choice).kubespawner_override }}
      {{- $places = append $places (dict "at" (printf "%s.profile_options.%s.unlisted_choice.kubespawner_override" $at $option) "profile" $number "set" .) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- toJson $places }}
{{- end }}

{{- /*
The values of one setting of students' servers wherever it can be set, as a JSON list: `at` is the path, `value` the value.
Takes root, `key`, the path below singleuser, and `trait`, its name in KubeSpawner, under which hub.config and profiles have
it. A place that does not set it, or sets null, is left out.
*/ -}}
{{- define "hub.valuesOf" -}}
{{- $found := list }}
{{- $value := .root.Values.jupyterhub.singleuser | default dict }}
{{- range splitList "." .key }}
  {{- $value = kindIs "map" $value | ternary $value dict | dig . nil }}
{{- end }}
{{- if not (kindIs "invalid" $value) }}
  {{- $found = append $found (dict "at" (printf "jupyterhub.singleuser.%s" .key) "value" $value) }}
{{- end }}
{{- $places := list }}
{{- range $section := list "KubeSpawner" "Spawner" }}
  {{- $places = append $places (dict "at" (printf "jupyterhub.hub.config.%s" $section) "set" (get (($.root.Values.jupyterhub.hub).config | default dict) $section)) }}
{{- end }}
{{- range $place := concat $places (include "hub.overrides" .root | fromJsonArray) }}
  {{- $value := get ($place.set | default dict) $.trait }}
  {{- if and (hasKey ($place.set | default dict) $.trait) (not (kindIs "invalid" $value)) }}
    {{- $found = append $found (dict "at" (printf "%s.%s" $place.at $.trait) "value" $value) }}
  {{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{- /*
What a student may get, as a JSON list: singleuser itself, its profiles and the choices of their options. Each has `limit`,
`guarantee` (memory), `cpu` (guaranteed), `cpuLimit`, `image`, each with its path in `limitAt` and so on, and `elsewhere`: whether it
selects other nodes than those of course.node, and `unused`: whether all profiles override it. A place that sets nothing has what its profile or singleuser sets.
*/ -}}
{{- define "hub.places" -}}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $root := "jupyterhub.singleuser" }}
{{- $names := dict "limit" "mem_limit" "guarantee" "mem_guarantee" "cpu" "cpu_guarantee" "cpuLimit" "cpu_limit" "image" "image" }}
{{- $base := dict "limit" ($user.memory).limit "guarantee" ($user.memory).guarantee "cpu" ($user.cpu).guarantee "cpuLimit" ($user.cpu).limit "elsewhere" false
  "limitAt" (printf "%s.memory.limit" $root) "guaranteeAt" (printf "%s.memory.guarantee" $root) "cpuAt" (printf "%s.cpu.guarantee" $root) "cpuLimitAt" (printf "%s.cpu.limit" $root) }}
{{- $places := list (set (deepCopy $base) "unused" (gt (len ($user.profileList | default list)) 0)) }}
{{- $ofProfile := $base }}
{{- range $override := include "hub.overrides" . | fromJsonArray }}
  {{- $whole := not (contains ".profile_options." $override.at) }}
  {{- $place := deepCopy (ternary $base $ofProfile $whole) }}
  {{- range $name, $setting := $names }}
    {{- if hasKey $override.set $setting }}
      {{- $_ := set $place $name (index $override.set $setting) }}
      {{- $_ := set $place (printf "%sAt" $name) (printf "%s.%s" $override.at $setting) }}
    {{- end }}
  {{- end }}
  {{- range $key := list "node_selector" "node_affinity_required" "extra_resource_guarantees" "extra_resource_limits" }}
    {{- if get $override.set $key }}
      {{- $_ := set $place "elsewhere" true }}
    {{- end }}
  {{- end }}
  {{- if $whole }}
    {{- $ofProfile = $place }}
  {{- end }}
  {{- $places = append $places $place }}
{{- end }}
{{- toJson $places }}
{{- end }}

{{- /*
What a student gets who chooses nothing, as JSON: `memory` and `cpu` guaranteed, with their paths in `memoryAt` and `cpuAt`,
and `most`, the largest memory that a choice of the same profile guarantees, with `mostAt`. KubeSpawner takes the profile
and the choices that are marked as default, else the first; Helm sorts choices by their keys.
*/ -}}
{{- define "hub.defaultServer" -}}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $given := dict "memory" ($user.memory).guarantee "memoryAt" "jupyterhub.singleuser.memory.guarantee" "cpu" ($user.cpu).guarantee "cpuAt" "jupyterhub.singleuser.cpu.guarantee" }}
{{- $profiles := $user.profileList | default list }}
{{- $chosen := 0 }}
{{- range $number, $profile := $profiles }}
  {{- if $profile.default }}
    {{- $chosen = $number }}
  {{- end }}
{{- end }}
{{- $most := dict "most" 0 "mostAt" "" }}
{{- if $profiles }}
  {{- $profile := index $profiles $chosen }}
  {{- $at := printf "jupyterhub.singleuser.profileList[%d]" $chosen }}
  {{- $applied := list (dict "at" $at "set" $profile.kubespawner_override) }}
  {{- range $option, $options := $profile.profile_options | default dict }}
    {{- $choices := ($options).choices | default dict }}
    {{- $default := keys $choices | sortAlpha | first }}
    {{- range $choice, $set := $choices }}
      {{- if $set.default }}
        {{- $default = $choice }}
      {{- end }}
      {{- $memory := include "hub.bytes" ($set.kubespawner_override).mem_guarantee | int64 }}
      {{- /* Nodes of its own are not those of course.node. */}}
      {{- $elsewhere := or ($profile.kubespawner_override).node_selector ($set.kubespawner_override).node_selector }}
      {{- if and (gt $memory (int64 $most.most)) (not $elsewhere) }}
        {{- $most = dict "most" $memory "mostAt" (printf "%s.profile_options.%s.choices.%s.kubespawner_override.mem_guarantee" $at $option $choice) }}
      {{- end }}
    {{- end }}
    {{- with $default }}
      {{- $applied = append $applied (dict "at" (printf "%s.profile_options.%s.choices.%s" $at $option .) "set" (get $choices . | default dict).kubespawner_override) }}
    {{- end }}
  {{- end }}
  {{- range $step := $applied }}
    {{- $set := $step.set | default dict }}
    {{- range $name, $setting := dict "memory" "mem_guarantee" "cpu" "cpu_guarantee" }}
      {{- if hasKey $set $setting }}
        {{- $_ := set $given $name (index $set $setting) }}
        {{- $_ := set $given (printf "%sAt" $name) (printf "%s.kubespawner_override.%s" $step.at $setting) }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- merge $given $most | toJson }}
{{- end }}
