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
