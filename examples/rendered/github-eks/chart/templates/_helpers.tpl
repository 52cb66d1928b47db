{{- /* "true" on a real cluster, nothing in a render: every API server has this group, Helm's built-in list has not. */ -}}
{{- define "hub.isRealCluster" -}}
{{- if .Capabilities.APIVersions.Has "apiregistration.k8s.io/v1" }}true{{ end }}
{{- end }}

{{- /* Memory in JupyterHub's units as bytes; nothing if JupyterHub does not read it. K, M, G, T are powers of 1024. */ -}}
{{- define "hub.bytes" -}}
{{- $units := dict "K" 1024 "M" 1048576 "G" 1073741824 "T" 1099511627776 }}
{{- if kindIs "string" . }}
  {{- if regexMatch "^[0-9]+([.][0-9]+)?[KMGT]$" . }}
    {{- mulf (float64 (regexFind "^[0-9.]+" .)) (get $units (regexFind "[KMGT]$" .)) | floor | int64 }}
  {{- end }}
{{- else if not (kindIs "invalid" .) }}
  {{- int64 . }}
{{- end }}
{{- end }}

{{- /* A number as people write it: 3600000, where Go prints 3.6e+06. Anything else as it is. */ -}}
{{- define "hub.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- /* Bytes as people write them: 14G, 1433M. */ -}}
{{- define "hub.memory" -}}
{{- $bytes := int64 . }}
{{- if not (mod $bytes 1073741824) }}{{ div $bytes 1073741824 }}G
{{- else }}{{ div $bytes 1048576 }}M
{{- end }}
{{- end }}

{{- /*
The students that fit, as JSON. Takes `node` (course.node), `memory` (bytes guaranteed to a student), `cpu` (cores
guaranteed) and `disk` (whether each has a volume of their own). deployer/seats.py has the same arithmetic.
*/ -}}
{{- define "hub.seats" -}}
{{- $free := sub (include "hub.bytes" .node.memory | int64) (include "hub.bytes" .node.reserved | int64) }}
{{- $limits := dict }}
{{- if gt (int64 .memory) 0 }}
  {{- $_ := set $limits "memory" (div (max 0 $free) (int64 .memory)) }}
{{- end }}
{{- /* Kubernetes counts processors in thousandths, and so the division has no remainder of a float's. */ -}}
{{- $share := round (mulf 1000 (default 0 .cpu | float64)) 0 | int64 }}
{{- if and .node.cpu (gt $share 0) }}
  {{- $_ := set $limits "cpu" (div (round (mulf 1000 (float64 .node.cpu)) 0 | int64) $share) }}
{{- end }}
{{- if hasKey .node "pods" }}
  {{- $_ := set $limits "pods" (int64 .node.pods) }}
{{- end }}
{{- if and .disk (hasKey .node "disks") }}
  {{- $_ := set $limits "disks" (int64 .node.disks) }}
{{- end }}
{{- $least := "" }}
{{- range $name := list "memory" "cpu" "pods" "disks" }}
  {{- if and (hasKey $limits $name) (or (not $least) (lt (get $limits $name) (get $limits $least))) }}
    {{- $least = $name }}
  {{- end }}
{{- end }}
{{- $each := 0 }}
{{- if $least }}
  {{- $each = get $limits $least }}
{{- end }}
{{- dict "each" $each "least" $least "seats" (mul $each (int64 .node.max)) | toJson }}
{{- end }}

{{- /*
The seats of the course as JSON, with what a student gets and where it is set. Takes the root. Students of the hubs in
`course.node.sharedWith` are counted on nodes of their own, by their guarantee; this hub has the nodes that are `left`.
`others` are texts: their nodes for each hub. `nodes` is the limit that seats everybody.
*/ -}}
{{- define "hub.courseSeats" -}}
{{- $course := .Values.course }}
{{- $server := include "hub.defaultServer" . | fromJson }}
{{- $memory := include "hub.bytes" $server.memory | int64 }}
{{- $disk := eq ((($.Values.jupyterhub.singleuser).storage).type | default "dynamic") "dynamic" }}
{{- $others := list }}
{{- $shared := 0 }}
{{- range $name, $hub := $course.node.sharedWith }}
  {{- $each := (include "hub.seats" (dict "node" $course.node "memory" (include "hub.bytes" $hub.memory) "cpu" $server.cpu "disk" $disk) | fromJson).each | int64 }}
  {{- $wanted := ternary 0 (div (sub (add (int64 $hub.peak) $each) 1) (max 1 $each)) (eq $each 0) }}
  {{- $others = append $others (printf "%d for %s" $wanted $name) }}
  {{- $shared = add $shared $wanted }}
{{- end }}
{{- $left := max 0 (sub (int64 $course.node.max) $shared) }}
{{- $asked := dict "node" (set (deepCopy $course.node) "max" $left) "memory" $memory "cpu" $server.cpu "disk" $disk }}
{{- $found := include "hub.seats" $asked | fromJson }}
{{- $most := include "hub.seats" (set $asked "memory" $server.most) | fromJson }}
{{- $nodes := ternary 0 (int64 $course.node.max) (ne $found.least "") }}
{{- with int64 $found.each }}
  {{- $nodes = add $shared (div (sub (add (int64 $course.peak) .) 1) .) }}
{{- end }}
{{- $least := ternary "cpu" "memory" (eq $found.least "cpu") }}
{{- merge (dict "guarantee" (get $server $least) "at" (get $server (printf "%sAt" $least)) "nodes" $nodes "left" $left "others" $others "mostSeats" $most.seats "most" $server.most "mostAt" $server.mostAt) $found | toJson }}
{{- end }}

{{- /* The calendar as JSON, for files/course_calendar.py. Takes the root. deployer/timetable.py writes the same. */ -}}
{{- define "hub.calendar" -}}
{{- $calendar := .Values.course.calendar | default dict }}
{{- dict
  "timezone" ($calendar.timezone | default "UTC")
  "classes" ($calendar.classes | default list)
  "exams" ($calendar.exams | default list)
  "termEnds" ($calendar.termEnds | default "")
  "before" ($calendar.before | default 0 | int64)
| toJson }}
{{- end }}

{{- /*
When a class or an exam starts or ends, for cron: `day`, which is a list such as [mon, wed] or a date, `time`, such as 10:00,
and the minutes `before` it. Cron leaves out the hour that a change of the clocks skips. So a time at night has runs an hour
earlier and later as well; a run at another time changes nothing.
*/ -}}
{{- define "hub.cron" -}}
{{- $time := splitList ":" .time }}
{{- $minutes := add (mul 60 (first $time | trimPrefix "0" | int64)) (last $time | trimPrefix "0" | int64) }}
{{- $minutes = sub $minutes .before }}
{{- /* The day itself, or the day before, and both if an hour earlier is the day before. */}}
{{- $shifts := list (ternary -1 0 (lt $minutes 0)) }}
{{- $minutes = mod (add $minutes 1440) 1440 }}
{{- $hour := div $minutes 60 }}
{{- $hours := toString $hour }}
{{- if eq $hour 0 }}
  {{- $hours = "23,0-1" }}
  {{- $shifts = append $shifts (sub (first $shifts) 1) }}
{{- else if lt $hour 5 }}
  {{- $hours = printf "%d-%d" (sub $hour 1) (add $hour 1) }}
{{- end }}
{{- $days := list }}
{{- $months := list "*" }}
{{- if kindIs "string" .day }}
  {{- $months = list }}
  {{- range $shift := $shifts }}
    {{- /* At noon, so that no change of the clocks makes another day of it. */}}
    {{- $date := toDate "2006-01-02 15:04" (printf "%s 12:00" $.day) | dateModify (printf "%dh" (mul 24 $shift)) }}
    {{- $days = append $days ($date | date "2") }}
    {{- $months = append $months ($date | date "1") }}
  {{- end }}
{{- else }}
  {{- $number := dict "sun" 0 "mon" 1 "tue" 2 "wed" 3 "thu" 4 "fri" 5 "sat" 6 }}
  {{- range $shift := $shifts }}
    {{- range $.day }}
      {{- $days = append $days (mod (add (get $number .) 7 $shift) 7) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- $days = uniq $days | join "," }}
{{- $months = uniq $months | join "," }}
{{- mod $minutes 60 }} {{ $hours }} {{ ternary $days "*" (kindIs "string" .day) }} {{ $months }} {{ ternary "*" $days (kindIs "string" .day) }}
{{- end }}
