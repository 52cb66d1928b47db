{{- /* Memory that JupyterHub cannot read: every server would fail to start. A guarantee above the limit as well. */ -}}
{{- define "guard.memory" }}
{{- $node := .Values.course.node | default dict }}
{{- $values := dict "course.node.memory" $node.memory "course.node.reserved" $node.reserved }}
{{- range $name, $hub := $node.sharedWith }}
  {{- $_ := set $values (printf "course.node.sharedWith.%s.memory" $name) $hub.memory }}
{{- end }}
{{- range $place := include "hub.places" . | fromJsonArray }}
  {{- $_ := set $values $place.limitAt $place.limit }}
  {{- $_ := set $values $place.guaranteeAt $place.guarantee }}
  {{- $limit := include "hub.bytes" $place.limit }}
  {{- $guarantee := include "hub.bytes" $place.guarantee }}
  {{- if and $limit $guarantee (gt (int64 $guarantee) (int64 $limit)) }}
{{ $place.limitAt }}: {{ include "hub.text" $place.limit }} is below {{ $place.guaranteeAt }} ({{ include "hub.text" $place.guarantee }}). Raise the limit, or lower the guarantee.
  {{- end }}
  {{- if and $limit (gt (int64 $limit) 0) (lt (int64 $limit) 134217728) (or (kindIs "string" $place.limit) (ge (int64 $limit) 67108864)) }}
{{ $place.limitAt }}: the server itself needs more, and would be ended at its start ({{ include "hub.text" $place.limit }}). Write at least 128M; a notebook needs 512M or more.
  {{- end }}
{{- end }}
{{- range $key, $value := $values }}
  {{- $number := has (kindOf $value) (list "int64" "float64") }}
  {{- if and $number (gt (float64 $value) 0.0) (lt (float64 $value) 67108864.0) }}
{{ $key }}: a number without a unit is bytes ({{ include "hub.text" $value }}). Write {{ include "hub.text" $value }}{{ ternary "G" "M" (lt (float64 $value) 64.0) }}.
  {{- else if and $number (lt (float64 $value) 0.0) }}
{{ $key }}: it is below 0 ({{ include "hub.text" $value }}), and no server would start. Write a number with K, M, G or T after it, such as 512M.
  {{- else if and (not (kindIs "invalid" $value)) (not (include "hub.bytes" $value)) }}
{{ $key }}: JupyterHub does not read '{{ $value }}'. Write a number with K, M, G or T after it, such as 512M or 2G (2G is what Kubernetes calls 2Gi).
  {{- end }}
{{- end }}
{{- $memory := (.Values.jupyterhub.singleuser).memory | default dict }}
{{- if and (not ($memory).limit) (not (.Values.jupyterhub.singleuser).profileList) }}
[no-memory-limit] jupyterhub.singleuser.memory.limit: there is none, so one student could use all memory of a node. Write one, such as 2G.
{{- end }}
{{- range $number, $profile := (.Values.jupyterhub.singleuser).profileList | default list }}
  {{- $at := printf "jupyterhub.singleuser.profileList[%d]" $number }}
  {{- $set := ($profile).kubespawner_override | default dict }}
  {{- $limit := hasKey $set "mem_limit" | ternary (get $set "mem_limit") ($memory).limit }}
  {{- /* An option that sets a limit in each of its choices sets it for the profile. */}}
  {{- $isLimited := not (include "hub.isUnlimited" $limit) }}
  {{- range $option, $options := ($profile).profile_options | default dict }}
    {{- $here := gt (len (($options).choices | default dict)) 0 }}
    {{- range $choice, $chosen := ($options).choices | default dict }}
      {{- $own := ($chosen).kubespawner_override | default dict }}
      {{- $isFree := include "hub.isUnlimited" (get $own "mem_limit") }}
      {{- $here = and $here (hasKey $own "mem_limit") (not $isFree) }}
      {{- if and (hasKey $own "mem_limit") $isFree (not (include "hub.hasOwnNodes" $set)) (not (include "hub.hasOwnNodes" $own)) }}
[no-memory-limit] {{ $at }}.profile_options.{{ $option }}.choices.{{ $choice }}.kubespawner_override.mem_limit: there is none, so one student could use all memory of a node. Write one, such as 2G.
      {{- end }}
    {{- end }}
    {{- $isLimited = or $isLimited $here }}
  {{- end }}
  {{- if and (not $isLimited) (not (include "hub.hasOwnNodes" $set)) }}
[no-memory-limit] {{ $at }}.kubespawner_override.mem_limit: there is none, so one student could use all memory of a node. Write one, such as 2G.
  {{- end }}
{{- end }}
{{- /* These would win over jupyterhub.singleuser, where neither the guards nor the seats see them. */ -}}
{{- $shadows := dict "mem_limit" "memory.limit" "mem_guarantee" "memory.guarantee" "cpu_limit" "cpu.limit" "cpu_guarantee" "cpu.guarantee" "image" "image" "profile_list" "profileList" }}
{{- range $class := list "KubeSpawner" "Spawner" }}
  {{- $section := get ((($.Values.jupyterhub.hub).config) | default dict) $class | default dict }}
  {{- range $trait, $instead := $shadows }}
    {{- if hasKey $section $trait }}
jupyterhub.hub.config.{{ $class }}.{{ $trait }}: guards and seats do not see it there. Write it as jupyterhub.singleuser.{{ $instead }}.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* "true" if a limit of memory is none. */ -}}
{{- define "hub.isUnlimited" -}}
{{- $bytes := include "hub.bytes" . }}
{{- if or (eq (toString (. | default "")) "") (and $bytes (eq (int64 $bytes) 0)) }}true{{ end }}
{{- end }}

{{- /* "true" if settings of KubeSpawner select other nodes than those of course.node, where a server may have all memory. */ -}}
{{- define "hub.hasOwnNodes" -}}
{{- if or .node_selector .node_affinity_required .extra_resource_guarantees .extra_resource_limits }}true{{ end }}
{{- end }}
