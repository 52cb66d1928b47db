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
{{- range $pod := include "hub.valuesOf" (dict "root" . "key" "podNameTemplate" "trait" "pod_name_template") | fromJsonArray }}
  {{- if not (regexMatch "[{][^}]*user[^}]*[}]" (toString $pod.value)) }}
{{ $pod.at }}: all students' servers would have one name, and each start would end another's ('{{ $pod.value }}'). Add {user_server}, such as {{ $pod.value }}-{user_server}.
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

{{- /* What the hub's and the proxy's own pods get, as Kubernetes and Node.js read it. */ -}}
{{- define "guard.core-pods" }}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- $proxy := .Values.jupyterhub.proxy | default dict }}
{{- range $name, $pod := dict "hub" .Values.jupyterhub.hub "proxy.chp" $proxy.chp "proxy.traefik" $proxy.traefik }}
  {{- $bytes := dict }}
  {{- range $kind := list "requests" "limits" }}
    {{- $value := dig "resources" $kind "memory" nil ($pod | default dict) }}
    {{- $text := include "hub.text" $value }}
    {{- $at := printf "jupyterhub.%s.resources.%s.memory" $name $kind }}
    {{- if kindIs "invalid" $value }}
    {{- else if not (regexMatch "^[0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$" $text) }}
{{ $at }}: Kubernetes does not read '{{ $text }}'. Write it with Mi or Gi, such as 512Mi.
    {{- else }}
      {{- $size := mulf (regexFind "^[0-9.]+" $text | float64) (get $units (regexFind "[a-zA-Z]*$" $text)) | int64 }}
      {{- $_ := set $bytes $kind $size }}
      {{- if lt $size 33554432 }}
{{ $at }}: {{ $text }} is {{ $size }} bytes, and the pod would never start. Write it with Mi or Gi, such as 512Mi.
      {{- end }}
    {{- end }}
  {{- end }}
  {{- if and $bytes.limits (gt (int64 $bytes.requests) (int64 $bytes.limits)) }}
jupyterhub.{{ $name }}.resources.limits.memory: it is below requests.memory, and Kubernetes would reject the pod. Raise the limit, or lower the request.
  {{- end }}
{{- end }}
{{- range $number, $flag := ($proxy.chp).extraCommandLineFlags | default list }}
  {{- if regexMatch "\\s" (toString $flag) }}
jupyterhub.proxy.chp.extraCommandLineFlags[{{ $number }}]: the proxy would take it for one option, and end ('{{ $flag }}'). Write one item for each word.
  {{- end }}
{{- end }}
{{- end }}
