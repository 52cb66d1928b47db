{{- /* What the chart accepts for a student's server, and what then fails. */ -}}
{{- define "guard.server" }}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- range $place := include "hub.places" . | fromJsonArray }}
  {{- if and $place.cpuLimit $place.cpu (gt (float64 $place.cpu) (float64 $place.cpuLimit)) }}
{{ $place.cpuLimitAt }}: {{ $place.cpuLimit }} is below {{ $place.cpuAt }} ({{ $place.cpu }}). Raise the limit, or lower the guarantee.
  {{- else if and $place.cpuLimit (ge (float64 $place.cpuLimit) 500.0) }}
{{ $place.cpuLimitAt }}: a node does not have so many processors ({{ include "hub.text" $place.cpuLimit }}). Write processors, not thousandths of them: {{ divf $place.cpuLimit 1000 }}.
  {{- else if and $place.cpu (lt (float64 $place.cpu) 0.0) }}
{{ $place.cpuAt }}: it is below 0 ({{ $place.cpu }}), and no server would start. Write a number of processors, such as 0.05.
  {{- else if and $place.cpuLimit (lt (float64 $place.cpuLimit) 0.1) }}
{{ $place.cpuLimitAt }}: a server needs minutes to start with so little of a processor ({{ $place.cpuLimit }}). Write a number of processors, such as 1 or 0.5.
  {{- end }}
{{- end }}
{{- $pool := get ($user.nodeSelector | default dict) "hub.jupyter.org/pool" | default "students" | toString }}
{{- $tolerated := list "students" }}
{{- range concat (((.Values.jupyterhub.scheduling).userPods).tolerations | default list) ($user.extraTolerations | default list) }}
  {{- $tolerated = append $tolerated (ternary $pool (.value | default "") (eq (.operator | default "") "Exists")) }}
{{- end }}
{{- if not (has $pool $tolerated) }}
jupyterhub.singleuser.nodeSelector: the nodes of the pool {{ $pool }} take pods that tolerate its taint, and no server would start there. Set jupyterhub.scheduling.userPods.tolerations: [{key: hub.jupyter.org_dedicated, operator: Equal, value: {{ $pool }}, effect: NoSchedule}].
{{- end }}
{{- range $page := include "hub.valuesOf" (dict "root" . "key" "defaultUrl" "trait" "default_url") | fromJsonArray }}
  {{- $url := toString $page.value }}
  {{- if regexMatch "\\s" $url }}
{{ $page.at }}: there is a space in it ('{{ $url }}'). Remove the space.
  {{- else if regexMatch "^(https?:)?//" $url }}
{{ $page.at }}: it is not a path ('{{ $url }}'). Write what follows the student's name in the address, such as /lab.
  {{- else if and $url (not (hasPrefix "/" $url)) }}
{{ $page.at }}: '{{ $url }}' does not begin with /. Write /{{ $url }}.
  {{- end }}
{{- end }}
{{- $waits := list
  (dict "key" "startTimeout" "trait" "start_timeout" "least" 60 "does" "start" "such" 300)
  (dict "key" "httpTimeout" "trait" "http_timeout" "least" 30 "does" "answer" "such" 90)
}}
{{- range $wait := $waits }}
  {{- range $place := include "hub.valuesOf" (merge (dict "root" $) $wait) | fromJsonArray }}
    {{- if lt (int64 $place.value) (int64 $wait.least) }}
{{ $place.at }}: a server often takes longer to {{ $wait.does }} ({{ include "hub.text" $place.value }} seconds). Write seconds, such as {{ $wait.such }}.
    {{- end }}
  {{- end }}
{{- end }}
{{- range $command := include "hub.valuesOf" (dict "root" . "key" "cmd" "trait" "cmd") | fromJsonArray }}
  {{- if and (kindIs "string" $command.value) (regexMatch "\\S\\s+\\S" $command.value) }}
{{ $command.at }}: Kubernetes would look for a program with this whole name ('{{ $command.value }}'), and no server would start. Write a list: [{{ regexSplit "\\s+" (trim $command.value) -1 | join ", " }}].
  {{- end }}
{{- end }}
{{- if kindIs "map" $user.extraEnv }}
  {{- if regexMatch "^https?://[^/]*@" (toString $user.extraEnv.COURSE_CONTENT) }}
jupyterhub.singleuser.extraEnv.COURSE_CONTENT: the URL has a user name or a password, which everybody could read, in git and in each server. Remove it up to the @. For a private repository, docs/instructors.md has a key.
  {{- end }}
{{- end }}
{{- $places := list (dict "at" "jupyterhub.singleuser.extraEnv" "set" $user.extraEnv) }}
{{- range $override := include "hub.overrides" . | fromJsonArray }}
  {{- $places = append $places (dict "at" (printf "%s.environment" $override.at) "set" $override.set.environment) }}
{{- end }}
{{- range $place := $places }}
  {{- if kindIs "map" $place.set }}
    {{- range $name, $value := $place.set }}
      {{- if not (has (kindOf $value) (list "invalid" "map" "string")) }}
{{ $place.at }}.{{ $name }}: it is not a text ({{ include "hub.text" $value }}), and no server would start. Write it in quotes: '{{ include "hub.text" $value }}'.
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
