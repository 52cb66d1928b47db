{{- /*
The scopes that the role robot-student has, as JSON: each is needed, and none may be added. It creates and deletes its user,
starts and stops that user's server, and makes the token with which it enters the server. files/robot_client.py uses them.
*/ -}}
{{- define "hub.robotScopes" -}}
{{- $scopes := list }}
{{- range list "admin:users!user" "servers!user" "tokens!user" "tokens!service" }}
  {{- $scopes = append $scopes (printf "%s=%s" . $.Values.robotStudent.user) }}
{{- end }}
{{- toJson $scopes }}
{{- end }}

{{- /* A blocked_users without the test user's name: a list in ../config replaces the chart's, and a subclass's replaces both. */ -}}
{{- define "guard.reserved-name" }}
{{- $user := .Values.robotStudent.user }}
{{- $config := (.Values.jupyterhub.hub).config | default dict }}
{{- $lists := dict "Authenticator" (($config.Authenticator).blocked_users | default list) }}
{{- range $section, $settings := $config }}
  {{- if and (kindIs "map" $settings) (hasKey $settings "blocked_users") }}
    {{- $_ := set $lists $section $settings.blocked_users }}
  {{- end }}
{{- end }}
{{- range $section, $names := $lists }}
  {{- if not (and (kindIs "slice" $names) (has $user $names)) }}
jupyterhub.hub.config.{{ $section }}.blocked_users: '{{ $user }}' is missing, so a student could sign in with the name of the robot student and take over its server. Add it: [{{ prepend (kindIs "slice" $names | ternary $names list) $user | join ", " }}]
  {{- end }}
{{- end }}
{{- end }}

{{- /* More rights than the robot student needs, or its rights for others. */ -}}
{{- define "guard.robot-role" }}
{{- range $name, $role := (.Values.jupyterhub.hub).loadRoles }}
  {{- $at := printf "jupyterhub.hub.loadRoles.%s" $name }}
  {{- if eq (($role).name | default $name) "robot-student" }}
    {{- if ne (sortAlpha ($role).scopes | join ", ") (include "hub.robotScopes" $ | fromJsonArray | sortAlpha | join ", ") }}
{{ $at }}.scopes: they are not those that the robot student needs, and a student who got its token could use them ({{ ($role).scopes | join ", " }}). Remove the line.
    {{- end }}
    {{- range $key := list "users" "groups" }}
      {{- with get $role $key }}
{{ $at }}.{{ $key }}: the role is for the robot student alone ({{ join ", " . }}). Remove the line.
      {{- end }}
    {{- end }}
  {{- else if has "robot-student" (($role).services | default list) }}
{{ $at }}.services: the robot student must have no other role than robot-student. Remove it from the list.
  {{- end }}
{{- end }}
{{- end }}
