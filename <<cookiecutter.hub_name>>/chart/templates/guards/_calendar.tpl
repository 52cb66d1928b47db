{{- /* A calendar that cannot be kept. The schema has the shape of classes and exams; here are its times and dates. */ -}}
{{- define "guard.calendar" }}
{{- $calendar := .Values.course.calendar | default dict }}
{{- $ends := $calendar.termEnds | default "" }}
{{- $isDate := true }}
{{- if $ends }}
  {{- $isDate = eq (include "hub.date" $ends) "true" }}
  {{- if not $isDate }}
course.calendar.termEnds: '{{ $ends }}' is not a date; write it in quotes, such as '2027-02-12'
  {{- else if and $calendar.classes (lt $ends (now | date "2006-01-02")) }}
course.calendar.termEnds: {{ $ends }} is past, and course.calendar.classes has classes; give the next term's last day, or make classes [] until then
  {{- end }}
{{- end }}
{{- if hasKey $calendar "classTimes" }}
  {{- $classes := list }}
  {{- range $calendar.classTimes }}
    {{- $parts := regexSplit "[ -]+" (toString .) -1 }}
    {{- $days := regexFind "^[^ ]+" (toString .) | printf (ternary "dates: ['%s']" "days: [%s]" (regexMatch "^[0-9]" (toString .))) }}
    {{- $classes = append $classes (printf "{%s, start: '%s', end: '%s'}" $days (initial $parts | last) (last $parts)) }}
  {{- end }}
course.calendar.classTimes: the key was replaced by course.calendar.classes. Write `classes: [{{ join ", " $classes }}]` instead
{{- end }}
{{- $time := "^([01][0-9]|2[0-3]):[0-5][0-9]$" }}
{{- range $number, $class := $calendar.classes }}
  {{- $at := printf "course.calendar.classes[%d]" $number }}
  {{- $areTimes := true }}
  {{- range $edge := list "start" "end" }}
    {{- if not (regexMatch $time (get $class $edge)) }}
      {{- $areTimes = false }}
{{ $at }}.{{ $edge }}: '{{ get $class $edge }}' is not a time of day; write it with 24 hours and in quotes, such as '09:00'
    {{- end }}
  {{- end }}
  {{- if and $areTimes (ge $class.start $class.end) }}
{{ $at }}: {{ $class.start }} to {{ $class.end }} ends before it starts; correct its times, and split a class that lasts over midnight
  {{- end }}
  {{- range $class.dates }}
    {{- if ne (include "hub.date" .) "true" }}
{{ $at }}.dates: '{{ . }}' is not a date; write it in quotes, such as '2027-02-12'
    {{- else if and $ends $isDate (gt . $ends) }}
{{ $at }}.dates: {{ . }} is after course.calendar.termEnds, {{ $ends }}; move the class or the end of the term
    {{- end }}
  {{- end }}
{{- end }}
{{- range $number, $exam := $calendar.exams }}
  {{- $at := printf "course.calendar.exams[%d]" $number }}
  {{- $areTimes := true }}
  {{- range $edge := list "start" "end" }}
    {{- $parts := get $exam $edge | splitList " " }}
    {{- if not (and (eq (len $parts) 2) (eq (include "hub.date" (first $parts)) "true") (regexMatch $time (last $parts))) }}
      {{- $areTimes = false }}
{{ $at }}.{{ $edge }}: '{{ get $exam $edge }}' is not a date with a time of day; write it as '2027-02-12 09:00'
    {{- end }}
  {{- end }}
  {{- if and $areTimes (ge $exam.start $exam.end) }}
{{ $at }}: {{ $exam.start }} to {{ $exam.end }} ends before it starts; correct its times
  {{- else if and $areTimes (gt (sub (toDate "2006-01-02 15:04" $exam.end | unixEpoch | int64) (toDate "2006-01-02 15:04" $exam.start | unixEpoch | int64)) 604800) }}
[long-exam] {{ $at }}: {{ $exam.start }} to {{ $exam.end }} is more than a week, in which prod stops no idle server and rejects deploys; correct its times, or write each exam as an item of its own
  {{- else if and $areTimes $ends $isDate (gt (splitList " " $exam.end | first) $ends) }}
{{ $at }}.end: {{ $exam.end }} is after course.calendar.termEnds, {{ $ends }}; move the exam or the end of the term
  {{- end }}
{{- end }}
{{- /* Go takes an unknown zone for UTC; without a zone database every zone is unknown, which Tokyo tells. */ -}}
{{- $zone := $calendar.timezone | default "UTC" }}
{{- $same := list "UTC" "UCT" "Zulu" "Universal" "Etc/UTC" "Etc/UCT" "Etc/Zulu" "Etc/Universal" }}
{{- $known := or (has $zone $same) (eq (dateInZone "MST" now "Asia/Tokyo") "UTC") (ne (dateInZone "MST" now $zone) "UTC") }}
{{- if or (not $known) (eq $zone "Local") }}
course.calendar.timezone: there is no time zone '{{ $zone }}'; write an IANA name, such as Europe/Berlin or UTC
{{- end }}
{{- end }}

{{- /* "true" if it is a day: Go's parser gives another day for 2027-02-30. */ -}}
{{- define "hub.date" -}}
{{- and (regexMatch "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" .) (eq (toDate "2006-01-02" . | date "2006-01-02") .) }}
{{- end }}
