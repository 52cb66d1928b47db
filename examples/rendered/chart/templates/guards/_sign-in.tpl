{{- /* What signs people in, as JSON: `class` as configured, and `sections` of hub.config that it reads, its own first. */ -}}
{{- define "hub.authenticator" -}}
{{- $config := (.Values.jupyterhub.hub).config | default dict }}
{{- $class := ($config.JupyterHub).authenticator_class | default "dummy" }}
{{- $known := .Files.Get "files/authenticators.yaml" | fromYaml }}
{{- $settings := dict }}
{{- range $section := get $known $class | default list | reverse }}
  {{- $settings = mergeOverwrite $settings (deepCopy (get $config $section | default dict)) }}
{{- end }}
{{- dict "class" $class "sections" (get $known $class | default list) "settings" $settings | toJson }}
{{- end }}

{{- /* An authenticator that the hub image does not have, or settings of another one than the one that is used. */ -}}
{{- define "guard.authenticator" }}
{{- $at := "jupyterhub.hub.config" }}
{{- $known := .Files.Get "files/authenticators.yaml" | fromYaml }}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- if not $own.sections }}
{{ $at }}.JupyterHub.authenticator_class: the hub's image has no '{{ $own.class }}'; it has {{ keys $known | sortAlpha | join ", " }}
{{- else }}
  {{- $others := dict }}
  {{- range $known }}
    {{- range . }}
      {{- $_ := set $others . true }}
    {{- end }}
  {{- end }}
  {{- range $section, $_ := ($.Values.jupyterhub.hub).config }}
    {{- if and (hasKey $others $section) (not (has $section $own.sections)) }}
{{ $at }}.{{ $section }}: authenticator_class is '{{ $own.class }}', which reads {{ join ", " $own.sections }}; put the settings there, or set authenticator_class
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* JupyterHub 5 lets in nobody without a rule. Admins alone, and who has been there before, are no class. */ -}}
{{- define "guard.nobody" }}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- $notRules := list "allow_existing_users" "allow_unverified_email" "allow_self_approval_for" "allowed_failed_logins" "allow_2fa" "allowed_idps" }}
{{- $rules := list }}
{{- range $name, $value := $own.settings }}
  {{- if and (hasPrefix "allow" $name) (not (has $name $notRules)) $value }}
    {{- $rules = append $rules $name }}
  {{- end }}
{{- end }}
{{- range $name, $idp := $own.settings.idps | default $own.settings.allowed_idps }}
  {{- if or $idp.allow_all $idp.allowed_domains }}
    {{- $rules = append $rules $name }}
  {{- end }}
{{- end }}
{{- $section := first $own.sections | default "" }}
{{- if eq $section "NullAuthenticator" }}
jupyterhub.hub.config.JupyterHub.authenticator_class: '{{ $own.class }}' lets nobody in; name another
{{- else if and $section (not $rules) (not (has $section (list "DummyAuthenticator" "FirstUseAuthenticator"))) }}
jupyterhub.hub.config.{{ $section }}: nobody may sign in, because no rule says who; set allowed_users, allow_all, or another rule of {{ $own.class }} that starts with allow
{{- end }}
{{- end }}

{{- /* A role of the staff that nobody has. Helm drops a list that is null: what counts is who is left. */ -}}
{{- define "guard.staff" }}
{{- range $name, $role := (.Values.jupyterhub.hub).loadRoles }}
  {{- if and (has $name (list "admin" "course-staff")) (not ($role).users) (not ($role).groups) (not ($role).services) }}
jupyterhub.hub.loadRoles.{{ $name }}.users: nobody is staff; name at least one person
  {{- end }}
{{- end }}
{{- end }}

{{- /* A role without scopes: JupyterHub takes it, and who has it may do nothing. Its own roles bring theirs. */ -}}
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
  {{- if and (or ($role).users ($role).groups ($role).services) (not $role.scopes) (not (has ($role.name | default $name) $own)) }}
jupyterhub.hub.loadRoles.{{ $name }}.scopes: it is empty, and who has the role '{{ $name }}' may do nothing; {{ with $others }}put its people into {{ join " or " . }}, or {{ end }}write the scopes that it shall have
  {{- end }}
{{- end }}
{{- end }}

{{- /* Two names in one, or a space that came along: nobody is called so, and nothing else says it. */ -}}
{{- define "guard.names" }}
{{- $lists := dict }}
{{- range $name, $role := (.Values.jupyterhub.hub).loadRoles }}
  {{- $_ := set $lists (printf "loadRoles.%s.users" $name) ($role).users }}
{{- end }}
{{- range $section, $settings := (.Values.jupyterhub.hub).config }}
  {{- range $trait := list "admin_users" "allowed_users" "blocked_users" }}
    {{- if kindIs "map" $settings }}
      {{- $_ := set $lists (printf "config.%s.%s" $section $trait) (get $settings $trait) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- range $at, $names := $lists }}
  {{- if and (kindIs "string" $names) $names }}
jupyterhub.hub.{{ $at }}: '{{ $names }}' is no list, and JupyterHub would take each letter for a name; write each name in a line of its own, with a hyphen before it
  {{- else if kindIs "slice" $names }}
    {{- range $number, $name := $names }}
      {{- if regexMatch "^\\s|,|\\s$" (toString $name) }}
jupyterhub.hub.{{ $at }}[{{ $number }}]: '{{ $name }}' would be the name of one person; write each name in a line of its own, without commas and without spaces around it
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* allow_all where anybody on the internet can have an account, or needs none. */ -}}
{{- define "guard.everybody" }}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- $section := first $own.sections | default "" }}
{{- $set := $own.settings }}
{{- $who := "" }}
{{- $at := printf "%s.allow_all" $section }}
{{- $accounts := dict
  "Auth0OAuthenticator" "an Auth0 account"
  "BitbucketOAuthenticator" "a Bitbucket account"
  "GitHubOAuthenticator" "a GitHub account"
  "GitLabOAuthenticator" "a GitLab account"
  "GlobusOAuthenticator" "a Globus account"
  "GoogleOAuthenticator" "a Google account"
  "MWOAuthenticator" "a Wikipedia account"
}}
{{- if $set.allow_all }}
  {{- $who = get $accounts $section }}
  {{- if or $set.hosted_domain $set.username_pattern (and $set.gitlab_url (ne $set.gitlab_url "https://gitlab.com")) $set.github_url }}
    {{- $who = "" }}
  {{- end }}
  {{- if and (eq $section "AzureAdOAuthenticator") (has ($set.tenant_id | default "") (list "" "common" "organizations" "consumers")) (not $set.username_pattern) }}
    {{- $who = "a Microsoft account" }}
  {{- end }}
  {{- if and (eq $section "TmpAuthenticator") }}
    {{- $who = "no account at all" }}
  {{- end }}
  {{- if and (eq $section "NativeAuthenticator") $set.open_signup }}
    {{- $at = "NativeAuthenticator.open_signup" }}
    {{- $who = "an account that they make themselves" }}
  {{- end }}
{{- end }}
{{- if eq $section "CILogonOAuthenticator" }}
  {{- range $idp, $rule := $set.idps | default $set.allowed_idps }}
    {{- if and (or $set.allow_all $rule.allow_all) (regexMatch "//(github|google|orcid|login\\.microsoftonline)\\." $idp) }}
      {{- $at = printf "CILogonOAuthenticator.allowed_idps.'%s'" $idp }}
      {{- $who = "an account there" }}
    {{- end }}
  {{- end }}
{{- end }}
{{- if and (or $set.allow_all (and (not (hasKey $set "allow_all")) (not $set.allowed_users))) (or (and (eq $section "DummyAuthenticator") (not $set.password)) (and (eq $section "FirstUseAuthenticator") (ne (toString $set.create_users) "false"))) }}
  {{- $at = "JupyterHub.authenticator_class" }}
  {{- $who = "any name and any password" }}
{{- end }}
{{- if and $who (not .Values.course.openToEverybody) }}
jupyterhub.hub.config.{{ $at }}: everybody on the internet with {{ $who }} may sign in; name who may, or set course.openToEverybody: true if that is what you want
{{- end }}
{{- end }}
