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
course.peak: {{ $course.peak }} is above course.sizedFor, {{ $course.sizedFor }}, the number that the limits in chart/values.yaml are made for; run `copier update` with peak_students {{ $course.peak }}, or lower it
{{- end }}
{{- end }}

{{- /* A class that its nodes cannot seat. Students get the first profile, or the one marked as default. */ -}}
{{- define "guard.seats" }}
{{- $course := .Values.course }}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $given := dict "memory" ($user.memory).guarantee "cpu" ($user.cpu).guarantee }}
{{- $at := "jupyterhub.singleuser.memory.guarantee" }}
{{- $profiles := $user.profileList | default list }}
{{- $chosen := first $profiles | default dict }}
{{- range $profiles }}
  {{- if .default }}
    {{- $chosen = . }}
  {{- end }}
{{- end }}
{{- $override := $chosen.kubespawner_override | default dict }}
{{- if hasKey $override "mem_guarantee" }}
  {{- $_ := set $given "memory" $override.mem_guarantee }}
  {{- $at = printf "mem_guarantee of the profile '%s'" ($chosen.display_name | default "") }}
{{- end }}
{{- if hasKey $override "cpu_guarantee" }}
  {{- $_ := set $given "cpu" $override.cpu_guarantee }}
{{- end }}
{{- $memory := include "hub.bytes" $given.memory | int64 }}
{{- $readable := and (include "hub.bytes" ($course.node).memory) (or (kindIs "invalid" ($course.node).reserved) (include "hub.bytes" ($course.node).reserved)) (or (kindIs "invalid" $given.memory) (include "hub.bytes" $given.memory)) }}
{{- if and $course.node $readable }}
  {{- $disk := eq (($user.storage).type | default "dynamic") "dynamic" }}
  {{- $found := include "hub.seats" (dict "node" $course.node "memory" $memory "cpu" $given.cpu "disk" $disk) | fromJson }}
  {{- if and $found.least (lt (int64 $found.seats) (int64 $course.peak)) }}
    {{- $nodes := 0 }}
    {{- if $found.each }}
      {{- $nodes = div (sub (add (int64 $course.peak) (int64 $found.each)) 1) (int64 $found.each) }}
    {{- end }}
course.peak: {{ $course.peak }} students are more than the {{ $found.seats }} seats of {{ $course.node.max }} nodes with {{ $found.each }} each, where {{ $found.least }} is what ends first; {{ if $nodes }}raise course.node.max to {{ $nodes }}, take larger nodes{{ else }}take larger nodes{{ end }}{{ if eq $found.least "memory" }}, or lower {{ $at }} ({{ $given.memory }}){{ end }}; `make seats` shows the arithmetic
  {{- end }}
{{- end }}
{{- end }}
