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

{{- /*
More rights than the two services of chart/values.yaml need, or their rights for others. `make students` and the commands
beside it use the service operator (deployer/cluster/hub_api.py): its token opens no server.
*/ -}}
{{- define "guard.robot-role" }}
{{- $needed := dict
  "robot-student" (include "hub.robotScopes" . | fromJsonArray)
  "operator" (list "list:users" "read:users:activity" "servers" "admin:groups!group=announcement")
}}
{{- $names := dict "robot-student" "the robot student" "operator" "the service operator" }}
{{- range $service, $scopes := $needed }}
  {{- $who := get $names $service }}
  {{- range $name, $role := ($.Values.jupyterhub.hub).loadRoles }}
    {{- $at := printf "jupyterhub.hub.loadRoles.%s" $name }}
    {{- if eq (($role).name | default $name) $service }}
      {{- $has := ($role).scopes | default list | sortAlpha }}
      {{- if ne (toJson $has) (toJson (sortAlpha $scopes)) }}
{{ $at }}.scopes: they are not those that {{ $who }} needs, and {{ ternary "a student" "anyone" (eq $service "robot-student") }} who got its token could use them ({{ ($role).scopes | default list | join ", " }}). Remove the line.
      {{- end }}
      {{- range $key := list "users" "groups" }}
        {{- with get $role $key }}
{{ $at }}.{{ $key }}: the role is for {{ $who }} alone ({{ kindIs "slice" . | ternary . (list .) | join ", " }}). Remove the line.
        {{- end }}
      {{- end }}
    {{- else if has $service (($role).services | default list) }}
{{ $at }}.services: {{ $who }} must have no other role than {{ $service }}. Remove it from the list.
    {{- end }}
  {{- end }}
  {{- if (index (($.Values.jupyterhub.hub).services) $service).admin }}
jupyterhub.hub.services.{{ $service }}.admin: {{ $who }} would be an admin (true). Remove the line.
  {{- end }}
{{- end }}
{{- /* hub.config replaces what the chart makes of hub.loadRoles and hub.services, these two among it. */}}
{{- range $trait, $instead := dict "load_roles" "loadRoles" "services" "services" }}
  {{- if hasKey ((($.Values.jupyterhub.hub).config).JupyterHub | default dict) $trait }}
jupyterhub.hub.config.JupyterHub.{{ $trait }}: it replaces the chart's own, and the robot student would fail. Write it as jupyterhub.hub.{{ $instead }}, which is a map.
  {{- end }}
{{- end }}
{{- end }}
