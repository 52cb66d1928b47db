{{- /* A role of the staff that nobody has. Helm drops a list that is null: what counts is who is left. */ -}}
{{- define "guard.staff" }}
{{- $set := (include "hub.authenticator" . | fromJson).settings }}
{{- range $name, $role := (.Values.jupyterhub.hub).loadRoles }}
  {{- $isElsewhere := and (eq $name "admin") $set.admin_groups }}
  {{- if and (has $name (list "admin" "course-staff")) (not $isElsewhere) (not ($role).users) (not ($role).groups) (not ($role).services) }}
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
  {{- if kindIs "invalid" $role }}
jupyterhub.hub.loadRoles.{{ $name }}: it has no value, and the hub would not start (null). Remove the line, or write the role.
  {{- end }}
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
{{- $own := include "hub.authenticator" . | fromJson }}
{{- $form := include "hub.formOfNames" . }}
{{- $mapped := $own.settings.username_map | default dict | values }}
{{- range $at, $names := $lists }}
  {{- $isInUse := or (hasPrefix "loadRoles" $at) (has (splitList "." $at | rest | first) $own.sections) }}
  {{- $form := ternary $form "" (and $isInUse (not (hasSuffix "blocked_users" $at))) }}
  {{- range $number, $name := $names }}
    {{- if not (kindIs "string" $name) }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: {{ if kindIs "invalid" $name }}the item is empty{{ else }}it is not a text ({{ include "hub.text" $name }}){{ end }}, and the hub would not start. {{ if kindIs "invalid" $name }}Remove the line.{{ else }}Write it in quotes: '{{ include "hub.text" $name }}'.{{ end }}
    {{- else if not $name }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: the item is empty. Remove the line.
    {{- else if regexMatch "^[\\s@]|[,;<>]|\\s$" $name }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: '{{ $name }}' would be the name of one person. Write each name on a line of its own, without an @ before it, commas, semicolons, angle brackets and spaces around it.
    {{- else if regexMatch "[\\x{00a0}\\x{00ad}\\x{200b}-\\x{200f}\\x{2028}-\\x{202f}\\x{2060}\\x{feff}]" $name }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: there is an invisible character in '{{ $name }}' ({{ printf "%+q" $name | trimAll "\"" }}), so it is nobody's name. Type the name again.
    {{- else if has $name $mapped }}
    {{- else if and (eq $form "names") (contains "@" $name) }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: '{{ $name }}' is an e-mail address, and with {{ $own.class }} people's names have no @, so it is nobody's. Write the user name there{{ if eq $own.class "google" }}, or set strip_domain: false{{ end }}.
    {{- else if and (eq $form "addresses") (not (contains "@" $name)) }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: '{{ $name }}' is not an e-mail address, and with {{ $own.class }} people's names are addresses here, so it is nobody's. Write the whole address, such as {{ $name }}@example.edu.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /*
The form of people's names with the authenticator in use: `names`, `addresses`, or nothing if both may be, as with an LMS,
which sends an id where it has no address.
*/ -}}
{{- define "hub.formOfNames" -}}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- $set := $own.settings }}
{{- $section := first $own.sections | default "" }}
{{- $claim := $set.username_claim | default "" | toString }}
{{- $ours := (.Values.jupyterhub.hub).extraConfig | default dict }}
{{- $code := omit $ours "announcement" "course-files" "exams" "robot-student" "shared-folder" "sign-in" | values | join "\n" }}
{{- $addresses := list "email" "eppn" "mail" "upn" }}
{{- if regexMatch "normalize_username|username_map|user_info_to_username|post_auth_hook|def authenticate" $code }}
{{- else if and (has $section (list "GitHubOAuthenticator" "GitLabOAuthenticator" "BitbucketOAuthenticator")) (has $claim (list "" "login" "username")) }}names
{{- else if and (eq $section "GoogleOAuthenticator") (has $claim (list "" "email")) }}
  {{- $domains := $set.hosted_domain | default list }}
  {{- $isOne := eq (len (kindIs "slice" $domains | ternary $domains (list $domains))) 1 }}
  {{- ternary "names" "addresses" (and $isOne (ne (toString $set.strip_domain) "false")) }}
{{- else if eq $section "CILogonOAuthenticator" }}
  {{- $idps := $set.idps | default $set.allowed_idps | default dict }}
  {{- $all := gt (len $idps) 0 }}
  {{- range $idps }}
    {{- $derived := (.).username_derivation | default dict }}
    {{- $all = and $all (has ($derived.username_claim | default "") $addresses) (not $derived.action) }}
  {{- end }}
  {{- ternary "addresses" "" $all }}
{{- else if and (has "OAuthenticator" $own.sections) (has $claim $addresses) }}addresses
{{- end }}
{{- end }}
