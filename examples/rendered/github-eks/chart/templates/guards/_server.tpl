{{- /* What the chart accepts for a student's server, and what then fails. */ -}}
{{- define "guard.server" }}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $cpu := $user.cpu | default dict }}
{{- if and $cpu.limit $cpu.guarantee (gt (float64 $cpu.guarantee) (float64 $cpu.limit)) }}
jupyterhub.singleuser.cpu.limit: {{ $cpu.limit }} is below jupyterhub.singleuser.cpu.guarantee ({{ $cpu.guarantee }}). Raise the limit, or lower the guarantee.
{{- end }}
{{- $pool := get ($user.nodeSelector | default dict) "hub.jupyter.org/pool" | default "students" | toString }}
{{- $tolerated := list "students" }}
{{- range concat (((.Values.jupyterhub.scheduling).userPods).tolerations | default list) ($user.extraTolerations | default list) }}
  {{- $tolerated = append $tolerated (ternary $pool (.value | default "") (eq (.operator | default "") "Exists")) }}
{{- end }}
{{- if not (has $pool $tolerated) }}
jupyterhub.singleuser.nodeSelector: the nodes of the pool {{ $pool }} take pods that tolerate its taint, and no server would start there. Set jupyterhub.scheduling.userPods.tolerations: [{key: hub.jupyter.org_dedicated, operator: Equal, value: {{ $pool }}, effect: NoSchedule}].
{{- end }}
{{- $url := $user.defaultUrl | default "" }}
{{- if and $url (not (hasPrefix "/" $url)) }}
jupyterhub.singleuser.defaultUrl: '{{ $url }}' does not begin with /. Write /{{ $url }}.
{{- end }}
{{- if and (hasKey $user "startTimeout") (not (kindIs "invalid" $user.startTimeout)) (lt (int64 $user.startTimeout) 60) }}
jupyterhub.singleuser.startTimeout: a server often takes longer to start ({{ include "hub.text" $user.startTimeout }} seconds). Write seconds, such as 300.
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
