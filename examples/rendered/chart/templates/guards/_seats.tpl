{{- /* Placeholders that refuse to make room: without priorities a student waits behind them. */ -}}
{{- define "guard.placeholders" }}
{{- $scheduling := .Values.jupyterhub.scheduling | default dict }}
{{- $placeholder := $scheduling.userPlaceholder | default dict }}
{{- if and (ne (toString $placeholder.enabled) "false") (gt (int64 $placeholder.replicas) 0) (not ($scheduling.podPriority).enabled) }}
jupyterhub.scheduling.userPlaceholder.replicas: {{ $placeholder.replicas }} placeholders would keep students out; set jupyterhub.scheduling.podPriority.enabled: true, or no replicas
{{- end }}
{{- end }}

{{- /* Numbers of the class that contradict each other. */ -}}
{{- define "guard.class" }}
{{- $course := .Values.course }}
{{- if gt (int64 $course.peak) (int64 $course.students) }}
course.peak: {{ $course.peak }} is above course.students, {{ $course.students }}: no more can be there at once than are enrolled; correct the one that is wrong
{{- end }}
{{- if and $course.sizedFor (gt (int64 $course.peak) (int64 $course.sizedFor)) }}
course.peak: {{ $course.peak }} is above course.sizedFor, {{ $course.sizedFor }}, the number that the limits in chart/values.yaml are made for; run `uv tool run copier==9.19.1 update --defaults --data students={{ $course.students }} --data peak_students={{ $course.peak }}`, or lower it
{{- end }}
{{- end }}

{{- /* A class that its nodes cannot seat. Memory that cannot be read has its own guard. */ -}}
{{- define "guard.seats" }}
{{- $course := .Values.course }}
{{- if not (include "guard.memory" . | trim) }}
  {{- $found := include "hub.courseSeats" . | fromJson }}
  {{- if and $found.least (lt (int64 $found.seats) (int64 $course.peak)) }}
course.peak: {{ $course.peak }} students are more than the {{ $found.seats }} seats of {{ $course.node.max }} nodes with {{ $found.each }} each, where {{ $found.least }} is what ends first; {{ if $found.each }}raise course.node.max to {{ $found.nodes }}, {{ end }}take larger nodes{{ if has $found.least (list "memory" "cpu") }}, or lower {{ $found.at }} ({{ $found.guarantee }}){{ end }}; `make seats` shows the arithmetic
  {{- end }}
{{- end }}
{{- end }}
