{{- /* A calendar that cannot be kept. A class is `mon 10:00-11:30`, or once: `2027-02-12 10:00-11:30`. */ -}}
{{- define "guard.calendar" }}
{{- $calendar := .Values.course.calendar | default dict }}
{{- $ends := $calendar.termEnds | default "" }}
{{- $isDate := true }}
{{- if $ends }}
  {{- $isDate = eq (include "hub.date" $ends) "true" }}
  {{- if not $isDate }}
course.calendar.termEnds: '{{ $ends }}' is no day of any year; write it as 2027-02-12
  {{- else if and $calendar.classTimes (lt $ends (now | date "2006-01-02")) }}
course.calendar.classTimes: '{{ first $calendar.classTimes }}' can only come after course.calendar.termEnds, {{ $ends }}, which is past; give the next term's last day, or make classTimes [] until then
  {{- end }}
{{- end }}
{{- range $number, $class := $calendar.classTimes }}
  {{- $at := printf "course.calendar.classTimes[%d]" $number }}
  {{- $time := "([01][0-9]|2[0-3]):[0-5][0-9]" }}
  {{- if not (regexMatch (printf "^(mon|tue|wed|thu|fri|sat|sun|[0-9]{4}-[0-9]{2}-[0-9]{2}) %s-%s$" $time $time) $class) }}
{{ $at }}: '{{ $class }}' is no class; write it as 'mon 10:00-11:30', or with a day as '2027-02-12 10:00-11:30'
  {{- else }}
    {{- $day := splitList " " $class | first }}
    {{- $times := splitList " " $class | last | splitList "-" }}
    {{- if ge (first $times) (last $times) }}
{{ $at }}: '{{ $class }}' ends before it starts; correct its times, and split a class that lasts over midnight
    {{- end }}
    {{- if regexMatch "^[0-9]" $day }}
      {{- if ne (include "hub.date" $day) "true" }}
{{ $at }}: '{{ $day }}' is no day of any year; write it as 2027-02-12
      {{- else if and $ends $isDate (gt $day $ends) }}
{{ $at }}: '{{ $class }}' is after course.calendar.termEnds, {{ $ends }}; move the class or the end of the term
      {{- end }}
    {{- end }}
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
