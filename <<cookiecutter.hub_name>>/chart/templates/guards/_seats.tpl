{{- /* Placeholders that do not make room: without priorities a student waits behind them. */ -}}
{{- define "guard.placeholders" }}
{{- $scheduling := .Values.jupyterhub.scheduling | default dict }}
{{- $placeholder := $scheduling.userPlaceholder | default dict }}
{{- if and (ne (toString $placeholder.enabled) "false") (gt (int64 $placeholder.replicas) 0) (not ($scheduling.podPriority).enabled) }}
jupyterhub.scheduling.userPlaceholder.replicas: {{ include "hub.text" $placeholder.replicas }} placeholders would keep students out. Set jupyterhub.scheduling.podPriority.enabled: true, or replicas: 0.
{{- end }}
{{- end }}

{{- /* Numbers of the course that contradict each other, or limits of the hub. */ -}}
{{- define "guard.course-size" }}
{{- $course := .Values.course }}
{{- $limit := int64 (.Values.jupyterhub.hub).activeServerLimit }}
{{- $at := "jupyterhub.hub.activeServerLimit" }}
{{- /* hub.config wins over the chart's own key. */}}
{{- with ((.Values.jupyterhub.hub).config).JupyterHub }}
  {{- if not (kindIs "invalid" .active_server_limit) }}
    {{- $limit = int64 .active_server_limit }}
    {{- $at = "jupyterhub.hub.config.JupyterHub.active_server_limit" }}
  {{- end }}
{{- end }}
{{- if gt (int64 $course.peak) (int64 $course.students) }}
course.peak: {{ include "hub.text" $course.peak }} is above course.students ({{ include "hub.text" $course.students }}). Correct the one that is wrong.
{{- end }}
{{- if and $course.sizedFor (gt (int64 $course.peak) (int64 $course.sizedFor)) }}
course.peak: {{ include "hub.text" $course.peak }} is above course.sizedFor ({{ include "hub.text" $course.sizedFor }}), for which the limits in chart/values.yaml are made. Run `uv tool run copier==9.19.1 update --defaults --data students={{ include "hub.text" $course.students }} --data peak_students={{ include "hub.text" $course.peak }}`, or lower it.
{{- end }}
{{- if and (gt $limit 0) (lt $limit (int64 $course.peak)) }}
{{ $at }}: {{ $limit }} is below course.peak ({{ include "hub.text" $course.peak }}), so students would be turned away. Remove the line, or raise it.
{{- end }}
{{- end }}

{{- /* A course that its nodes cannot seat, and servers that fit no node. guard.memory rejects memory that cannot be read. */ -}}
{{- define "guard.seats" }}
{{- $course := .Values.course }}
{{- $node := $course.node }}
{{- $readable := true }}
{{- range $place := include "hub.places" . | fromJsonArray }}
  {{- range $value := list $place.limit $place.guarantee $node.memory $node.reserved }}
    {{- $readable = and $readable (or (kindIs "invalid" $value) (ne (include "hub.bytes" $value) "")) }}
  {{- end }}
{{- end }}
{{- range $name, $hub := $node.sharedWith }}
  {{- $readable = and $readable (ne (include "hub.bytes" $hub.memory) "") }}
  {{- if eq $name $.Chart.Name }}
course.node.sharedWith.{{ $name }}: this is the hub itself, and course.peak counts its students already. Remove the entry.
  {{- end }}
{{- end }}
{{- if $readable }}
  {{- $found := include "hub.courseSeats" . | fromJson }}
  {{- if and $found.least (lt (int64 $found.seats) (int64 $course.peak)) }}
course.peak: {{ include "hub.text" $course.peak }} students are more than the {{ $found.seats }} seats on {{ $found.left }} nodes{{ with $found.others }} (the other hubs of course.node.sharedWith need {{ join ", " . }}){{ end }} with {{ $found.each }} each, limited by {{ $found.least }}. {{ if $found.each }}Raise course.node.max to {{ $found.nodes }}, use{{ else }}Use{{ end }} larger nodes{{ if has $found.least (list "memory" "cpu") }}, or lower {{ $found.at }} ({{ include "hub.text" $found.guarantee }}){{ end }}. `make seats` shows the arithmetic.
  {{- else if and (gt (int64 $found.most) 0) (lt (int64 $found.mostSeats) (int64 $course.peak)) }}
[warning] {{ $found.mostAt }}: if all students choose it, there are {{ include "hub.text" $found.mostSeats }} seats, and course.peak is {{ include "hub.text" $course.peak }}. Raise course.node.max, or remove the choice.
  {{- end }}
  {{- $whole := include "hub.bytes" $node.memory | int64 }}
  {{- $free := sub $whole (include "hub.bytes" $node.reserved | int64) }}
  {{- range $name, $hub := $node.sharedWith }}
    {{- if gt (include "hub.bytes" $hub.memory | int64) $free }}
course.node.sharedWith.{{ $name }}.memory: {{ include "hub.text" $hub.memory }} is more than a node has for students ({{ include "hub.memory" $free }}), so no server of that hub would start here. Correct it, or remove the entry.
    {{- end }}
  {{- end }}
  {{- range $place := include "hub.places" . | fromJsonArray }}
    {{- $guarantee := include "hub.bytes" $place.guarantee | int64 }}
    {{- $limit := include "hub.bytes" $place.limit | int64 }}
    {{- if or $place.elsewhere $place.unused }}
    {{- else if gt $guarantee $free }}
[larger-than-node] {{ $place.guaranteeAt }}: {{ include "hub.text" $place.guarantee }} is more than a node has for students ({{ include "hub.memory" $free }}), so no server would start. Lower it, or correct course.node.
    {{- else if gt $limit $whole }}
[larger-than-node] {{ $place.limitAt }}: {{ include "hub.text" $place.limit }} is more than a node has ({{ include "hub.text" $node.memory }}), so one student could use the memory of all others. Lower it, or correct course.node.
    {{- end }}
    {{- if and (not (or $place.elsewhere $place.unused)) $node.cpu $place.cpu (gt (float64 $place.cpu) (float64 $node.cpu)) }}
[larger-than-node] {{ $place.cpuAt }}: {{ include "hub.text" $place.cpu }} is more than a node has ({{ include "hub.text" $node.cpu }}), so no server would start. Lower it, or correct course.node.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
