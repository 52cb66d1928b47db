{{- /*
Every place that gives a student memory or an image, as JSON: singleuser itself, its profiles and their options.
`at` is the path of the place; a profile that says nothing has what singleuser says.
*/ -}}
{{- define "hub.places" -}}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $memory := $user.memory | default dict }}
{{- $root := "jupyterhub.singleuser" }}
{{- $places := list (dict "limit" $memory.limit "guarantee" $memory.guarantee "limitAt" (printf "%s.memory.limit" $root) "guaranteeAt" (printf "%s.memory.guarantee" $root)) }}
{{- range $number, $profile := $user.profileList | default list }}
  {{- $at := printf "%s.profileList[%d]" $root $number }}
  {{- $overrides := dict $at ($profile.kubespawner_override | default dict) }}
  {{- range $option, $choices := $profile.profile_options | default dict }}
    {{- range $choice, $chosen := $choices.choices | default dict }}
      {{- $_ := set $overrides (printf "%s.profile_options.%s.choices.%s" $at $option $choice) ($chosen.kubespawner_override | default dict) }}
    {{- end }}
  {{- end }}
  {{- $ofProfile := $profile.kubespawner_override | default dict }}
  {{- range $where, $override := $overrides }}
    {{- $place := dict "image" $override.image "imageAt" (printf "%s.kubespawner_override.image" $where) }}
    {{- range $name, $of := dict "limit" "mem_limit" "guarantee" "mem_guarantee" }}
      {{- $value := get $memory $name }}
      {{- $valueAt := printf "%s.memory.%s" $root $name }}
      {{- if hasKey $override $of }}
        {{- $value = get $override $of }}
        {{- $valueAt = printf "%s.kubespawner_override.%s" $where $of }}
      {{- else if hasKey $ofProfile $of }}
        {{- $value = get $ofProfile $of }}
        {{- $valueAt = printf "%s.kubespawner_override.%s" $at $of }}
      {{- end }}
      {{- $_ := set $place $name $value }}
      {{- $_ := set $place (printf "%sAt" $name) $valueAt }}
    {{- end }}
    {{- $places = append $places $place }}
  {{- end }}
{{- end }}
{{- toJson $places }}
{{- end }}

{{- /* Memory that JupyterHub cannot read: every server would fail to start. A guarantee above the limit as well. */ -}}
{{- define "guard.memory" }}
{{- $node := .Values.course.node | default dict }}
{{- $values := dict "course.node.memory" $node.memory "course.node.reserved" $node.reserved }}
{{- range $place := include "hub.places" . | fromJsonArray }}
  {{- $_ := set $values $place.limitAt $place.limit }}
  {{- $_ := set $values $place.guaranteeAt $place.guarantee }}
  {{- $limit := include "hub.bytes" $place.limit }}
  {{- $guarantee := include "hub.bytes" $place.guarantee }}
  {{- if and $limit $guarantee (gt (int64 $guarantee) (int64 $limit)) }}
{{ $place.limitAt }}: {{ $place.limit }} is below {{ $place.guaranteeAt }}, {{ $place.guarantee }}; raise the limit or lower the guarantee
  {{- end }}
{{- end }}
{{- range $key, $value := $values }}
  {{- if and (has (kindOf $value) (list "int64" "float64")) (hasPrefix "jupyterhub." $key) (gt (float64 $value) 0.0) (lt (float64 $value) 67108864.0) }}
{{ $key }}: {{ $value }} is {{ int64 $value }} bytes; JupyterHub's units are K, M, G, T: write {{ $value }}{{ ternary "G" "M" (lt (float64 $value) 64.0) }}
  {{- else if and (not (kindIs "invalid" $value)) (not (include "hub.bytes" $value)) }}
{{ $key }}: '{{ $value }}' is in units that JupyterHub does not read; write a number with K, M, G or T after it, such as 512M or 2G (2G is what Kubernetes calls 2Gi)
  {{- end }}
{{- end }}
{{- /* These would win over jupyterhub.singleuser, behind the back of the guards and of the seats. */ -}}
{{- $shadows := dict "mem_limit" "memory.limit" "mem_guarantee" "memory.guarantee" "cpu_limit" "cpu.limit" "cpu_guarantee" "cpu.guarantee" "image" "image" "profile_list" "profileList" }}
{{- range $class := list "KubeSpawner" "Spawner" }}
  {{- $section := get ((($.Values.jupyterhub.hub).config) | default dict) $class | default dict }}
  {{- range $trait, $instead := $shadows }}
    {{- if hasKey $section $trait }}
jupyterhub.hub.config.{{ $class }}.{{ $trait }}: no guard sees it there; write it as jupyterhub.singleuser.{{ $instead }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
