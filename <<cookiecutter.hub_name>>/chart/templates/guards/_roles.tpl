{{- /* A role of the staff that nobody has. Helm drops a list that is null: what counts is who is left. */ -}}
{{- define "guard.staff" }}
{{- range $name, $role := (.Values.jupyterhub.hub).loadRoles }}
  {{- if and (has $name (list "admin" "course-staff")) (not ($role).users) (not ($role).groups) (not ($role).services) }}
jupyterhub.hub.loadRoles.{{ $name }}.users: the list is empty, so nobody is staff. Add at least one name.
  {{- end }}
{{- end }}
{{- end }}

{{- /* Roles without scopes, which JupyterHub accepts, and scopes that give every user power over others. */ -}}
{{- define "guard.roles" }}
{{- $own := list "admin" "server" "token" "user" }}
{{- $roles := (.Values.jupyterhub.hub).loadRoles | default dict }}
{{- $others := list }}
{{- range $name, $role := $roles }}
  {{- if and ($role).users (or $role.scopes (has $name $own)) }}
    {{- $others = append $others (printf "jupyterhub.hub.loadRoles.%s" $name) }}
  {{- end }}
{{- end }}
{{- range $name, $role := $roles }}
  {{- $role = $role | default dict }}
  {{- if and (or $role.users $role.groups $role.services) (not $role.scopes) (not (has ($role.name | default $name) $own)) }}
jupyterhub.hub.loadRoles.{{ $name }}.scopes: the list is empty, so the role '{{ $name }}' permits nothing. {{ with $others }}Move its people to {{ join " or " . }}, or {{ else }}{{ end }}write the scopes.
  {{- end }}
  {{- /* Every user has the role user, and every token of theirs the role token. */}}
  {{- if and (kindIs "slice" $role.scopes) (has ($role.name | default $name) (list "user" "token")) }}
    {{- range $scope := $role.scopes }}
      {{- if regexMatch "^(admin:(users|servers|groups|auth_state)|admin-ui|access:servers|servers|(start|stop|delete|read):servers|delete:users|users|tokens|groups|shares|proxy|shutdown|admin:services)(!(server|service|group|user=).*)?$" $scope }}
[wide-user-role] jupyterhub.hub.loadRoles.{{ $name }}.scopes: '{{ $scope }}' gives every student power over everybody's servers or accounts. Remove it, or limit it: {{ regexFind "^[^!]+" $scope }}!user.
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Names that nobody has, and what is not a name: JupyterHub fails to start with a number or an empty item. */ -}}
{{- define "guard.names" }}
{{- $lists := dict }}
{{- range $name, $role := (.Values.jupyterhub.hub).loadRoles }}
  {{- $users := ($role).users }}
  {{- if and $users (not (kindIs "slice" $users)) }}
jupyterhub.hub.loadRoles.{{ $name }}.users: it is not a list ({{ $users }}), and JupyterHub would take each letter for a name. Write each name on a line of its own, after a hyphen.
  {{- else }}
    {{- $_ := set $lists (printf "loadRoles.%s.users" $name) ($users | default list) }}
  {{- end }}
{{- end }}
{{- range $section, $settings := (.Values.jupyterhub.hub).config }}
  {{- if kindIs "map" $settings }}
    {{- range $trait := list "admin_users" "allowed_users" "blocked_users" }}
      {{- with get $settings $trait }}
        {{- /* A string is one name for traitlets. */}}
        {{- $_ := set $lists (printf "config.%s.%s" $section $trait) (kindIs "slice" . | ternary . (list .)) }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- range $at, $names := $lists }}
  {{- range $number, $name := $names }}
    {{- if not (kindIs "string" $name) }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: {{ if kindIs "invalid" $name }}the item is empty{{ else }}it is not a text ({{ include "hub.text" $name }}){{ end }}, and the hub would not start. {{ if kindIs "invalid" $name }}Remove the line.{{ else }}Write it in quotes: '{{ include "hub.text" $name }}'.{{ end }}
    {{- else if not $name }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: the item is empty. Remove the line.
    {{- else if regexMatch "^[\\s@]|[,;<>]|\\s$" $name }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: '{{ $name }}' would be the name of one person. Write each name on a line of its own, without an @ before it, commas, semicolons, angle brackets and spaces around it.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
