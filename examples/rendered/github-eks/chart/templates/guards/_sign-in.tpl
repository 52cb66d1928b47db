{{- /* JupyterHub 5 lets in nobody without a rule. Admins may sign in without one. */ -}}
{{- define "guard.sign-in-rules" }}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- $notRules := list "allow_existing_users" "allow_unverified_email" "allow_self_approval_for" "allowed_failed_logins" "allow_2fa" "allowed_idps" }}
{{- $rules := list }}
{{- range $name, $value := $own.settings }}
  {{- if and (hasPrefix "allow" $name) (not (has $name $notRules)) $value }}
    {{- $rules = append $rules $name }}
  {{- end }}
{{- end }}
{{- range $name, $idp := $own.settings.idps | default $own.settings.allowed_idps }}
  {{- if or ($idp).allow_all ($idp).allowed_domains }}
    {{- $rules = append $rules $name }}
  {{- end }}
{{- end }}
{{- $section := first $own.sections | default "" }}
{{- /* Snippets of the owner may set rules, too. */}}
{{- $code := omit ((.Values.jupyterhub.hub).extraConfig | default dict) "announcement" "course-files" "exams" "robot-student" "shared-folder" "sign-in" | values | join "\n" }}
{{- if eq $section "NullAuthenticator" }}
[no-sign-in] jupyterhub.hub.config.JupyterHub.authenticator_class: with '{{ $own.class }}' nobody can sign in. Use another authenticator.
{{- else if and $section (not $rules) (not (has $section (list "DummyAuthenticator" "FirstUseAuthenticator"))) }}
  {{- if or $own.settings.admin_users $own.settings.admin_groups }}
[warning] jupyterhub.hub.config.{{ $section }}: only admins may sign in, because no rule lets in anybody else. Set allowed_users or another rule of {{ $own.class }} that starts with allow.
  {{- else if regexMatch "admin_users|allowed_|allow_all" $code }}
[warning] jupyterhub.hub.config.{{ $section }}: there is no rule. Only the code in hub.extraConfig decides who may sign in. Check that code.
  {{- else }}
jupyterhub.hub.config.{{ $section }}: nobody may sign in, because there is no rule. Set allowed_users, allow_all, or another rule of {{ $own.class }} that starts with allow.
  {{- end }}
{{- end }}
{{- end }}

{{- /* allow_all where anybody on the internet can have an account, or needs none. */ -}}
{{- define "guard.open-sign-in" }}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- $section := first $own.sections | default "" }}
{{- $set := $own.settings }}
{{- $who := "" }}
{{- /* A pattern that every name matches is none. */}}
{{- $pattern := regexMatch "^\\^?\\(?[.][*+]\\)?\\$?$" ($set.username_pattern | default "") | ternary "" $set.username_pattern }}
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
  {{- if or $set.hosted_domain $pattern (and $set.gitlab_url (ne (trimSuffix "/" $set.gitlab_url) "https://gitlab.com")) (and $set.github_url (ne (trimSuffix "/" $set.github_url) "https://github.com")) }}
    {{- $who = "" }}
  {{- end }}
  {{- if and (eq $section "GenericOAuthenticator") (not $pattern) (regexMatch "(?i)//(accounts\\.google\\.com|github\\.com|gitlab\\.com|orcid\\.org|discord\\.com|(www\\.)?(facebook|linkedin)\\.com|login\\.microsoftonline\\.com/(common|organizations|consumers))/" ($set.authorize_url | default "")) }}
    {{- $who = "an account there" }}
  {{- end }}
  {{- if and (eq $section "AzureAdOAuthenticator") (has ($set.tenant_id | default "" | lower) (list "" "common" "organizations" "consumers")) (not $pattern) }}
    {{- $who = "a Microsoft account" }}
  {{- end }}
  {{- if eq $section "TmpAuthenticator" }}
    {{- $who = "no account at all" }}
  {{- end }}
  {{- if and (eq $section "NativeAuthenticator") $set.open_signup }}
    {{- $at = "NativeAuthenticator.open_signup" }}
    {{- $who = "an account that they make themselves" }}
  {{- end }}
{{- end }}
{{- if eq $section "CILogonOAuthenticator" }}
  {{- $idps := ternary "allowed_idps" "idps" (hasKey $set "allowed_idps") }}
  {{- range $idp, $rule := get $set $idps | default dict }}
    {{- $domains := ($rule).allowed_domains | default list }}
    {{- range $domain := list "*" "gmail.com" "googlemail.com" "hotmail.com" "live.com" "outlook.com" }}
      {{- if has $domain $domains }}
        {{- $at = printf "CILogonOAuthenticator.%s.'%s'.allowed_domains" $idps $idp }}
        {{- $who = printf "an address of %s" (ternary "any domain" $domain (eq $domain "*")) }}
      {{- end }}
    {{- end }}
    {{- if and (or $set.allow_all ($rule).allow_all) (regexMatch "//([a-z0-9-]+\\.)*(github|google|orcid|live|microsoft|microsoftonline)\\." $idp) }}
      {{- $at = printf "CILogonOAuthenticator.%s.'%s'" $idps $idp }}
      {{- $who = "an account there" }}
    {{- end }}
  {{- end }}
{{- end }}
{{- if and (or $set.allow_all (and (not (hasKey $set "allow_all")) (not $set.allowed_users))) (or (and (eq $section "DummyAuthenticator") (not $set.password)) (and (eq $section "FirstUseAuthenticator") (ne (toString $set.create_users) "false"))) }}
  {{- $at = "JupyterHub.authenticator_class" }}
  {{- $who = "any name and any password" }}
{{- end }}
{{- if $who }}
[open-sign-in] jupyterhub.hub.config.{{ $at }}: anybody on the internet with {{ $who }} may sign in. List the people who may instead.
{{- end }}
{{- if hasKey .Values.course "openToEverybody" }}
course.openToEverybody: course.allow has replaced it ({{ .Values.course.openToEverybody }}). Remove the line{{ if .Values.course.openToEverybody }}, and write allow: [open-sign-in]{{ end }}.
{{- end }}
{{- end }}

{{- /* People who may sign in only because they once have, and people who become staff by another name. */ -}}
{{- define "guard.existing-users" }}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- $config := (.Values.jupyterhub.hub).config | default dict }}
{{- $roles := (.Values.jupyterhub.hub).loadRoles | default dict }}
{{- range $section := $own.sections }}
  {{- $set := get $config $section | default dict }}
  {{- if $set.allow_existing_users }}
[existing-users] jupyterhub.hub.config.{{ $section }}.allow_existing_users: anybody who has once signed in keeps access, after removal from the rules, too (true). Set it to false.
  {{- end }}
  {{- $claims := list (dict "at" (printf "%s.username_claim" $section) "claim" $set.username_claim) }}
  {{- range $idp, $rule := $set.idps }}
    {{- $claims = append $claims (dict "at" (printf "%s.idps.'%s'.username_derivation.username_claim" $section $idp) "claim" ((($rule).username_derivation).username_claim)) }}
  {{- end }}
  {{- range $claims }}
    {{- if has .claim (list "name" "display_name" "given_name" "family_name" "nickname") }}
jupyterhub.hub.config.{{ .at }}: two people may have one name, and people can change theirs, so one could sign in as another ('{{ .claim }}'). Use what the provider gives to one person alone, such as sub, email or upn.
    {{- end }}
  {{- end }}
  {{- range $from, $to := $set.username_map | default dict }}
    {{- $staff := concat ($own.settings.admin_users | default list) (($roles.admin).users | default list) (index $roles "course-staff" | default dict | dig "users" list | default list) }}
    {{- if has $to $staff }}
[username-map] jupyterhub.hub.config.{{ $section }}.username_map: '{{ $from }}' would sign in as '{{ $to }}', who is staff. Remove the entry, or add '{{ $from }}' to the staff.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* GitHub's teams as GitHub writes them, and Google's domains as nobody has them: they never match. */ -}}
{{- define "guard.organizations" }}
{{- $domains := (include "hub.authenticator" . | fromJson).settings.hosted_domain | default list }}
{{- range $number, $domain := kindIs "slice" $domains | ternary $domains (list $domains) }}
  {{- if not $domain }}
jupyterhub.hub.config.GoogleOAuthenticator.hosted_domain[{{ $number }}]: the item is empty, which means every account that belongs to no organization: anybody on the internet. Remove the line.
  {{- else if has $domain (list "gmail.com" "googlemail.com") }}
jupyterhub.hub.config.GoogleOAuthenticator.hosted_domain: nobody may sign in by '{{ $domain }}', because such accounts belong to no organization. List their addresses in allowed_users.
  {{- else if not (regexMatch "^[a-z0-9.-]+[.][a-z]+$" (toString $domain)) }}
jupyterhub.hub.config.GoogleOAuthenticator.hosted_domain: '{{ $domain }}' is not a domain, so nobody may sign in by it. Write what follows the @ of the addresses, in small letters, such as example.edu.
  {{- end }}
{{- end }}
{{- $github := include "hub.authenticator" . | fromJson }}
{{- $names := $github.settings.allowed_organizations | default list }}
{{- $names = kindIs "slice" $names | ternary $names (list $names) }}
{{- $scopes := $github.settings.scope | default list }}
{{- $scopes = kindIs "slice" $scopes | ternary $scopes (list $scopes) }}
{{- $reads := include "hub.ownCodeHas" (dict "root" . "text" "read:org") }}
{{- range list "read:org" "write:org" "admin:org" }}
  {{- $reads = or $reads (has . $scopes) }}
{{- end }}
{{- if and $names (has "GitHubOAuthenticator" $github.sections) (not $reads) }}
  {{- $at := "jupyterhub.hub.config.GitHubOAuthenticator.scope" }}
  {{- $write := printf "(%s). Write scope: [%s]." (join ", " $scopes) (append $scopes "read:org" | join ", ") }}
  {{- if contains ":" (join " " $names) }}
{{ $at }}: without read:org GitHub shows the hub no teams {{ $write }}
  {{- else }}
[public-members] {{ $at }}: without read:org GitHub shows the hub only those who have made their membership public {{ $write }}
  {{- end }}
{{- end }}
{{- range $name := $names }}
  {{- if contains "," (toString $name) }}
jupyterhub.hub.config.GitHubOAuthenticator.allowed_organizations: '{{ $name }}' would be the name of one organization. Write a list: [{{ $name }}].
  {{- else if contains " " (toString $name) }}
jupyterhub.hub.config.GitHubOAuthenticator.allowed_organizations: '{{ $name }}' has a space, and no organization has. Write the name as it is in the address on GitHub.
  {{- else if contains "/" (toString $name) }}
jupyterhub.hub.config.GitHubOAuthenticator.allowed_organizations: '{{ $name }}' is neither an organization nor a team. Write a team as {{ regexReplaceAll "^(https?:/)?/?(github\\.com/)?(orgs/)?" (toString $name) "" | replace "/teams/" ":" | replace "/" ":" }}.
  {{- end }}
{{- end }}
{{- end }}

{{- /* Other websites that may act for a student who has signed in. */ -}}
{{- define "guard.other-websites" }}
{{- $at := "jupyterhub.hub.config.JupyterHub.tornado_settings" }}
{{- /* The same in students' servers. */}}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- range $file, $set := $user.extraFiles }}
  {{- $data := kindIs "map" ($set).data | ternary ($set).data dict }}
  {{- range $section := list "ServerApp" "NotebookApp" }}
    {{- $settings := get $data $section | default dict }}
    {{- range $key, $bad := dict "allow_origin" "*" "disable_check_xsrf" "true" }}
      {{- if eq (get $settings $key | toString) $bad }}
jupyterhub.singleuser.extraFiles.{{ $file }}.data.{{ $section }}.{{ $key }}: every website could act in the server of a student who has signed in ({{ $bad }}). Remove the line.
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- $commands := concat (include "hub.valuesOf" (dict "root" . "key" "cmd" "trait" "cmd") | fromJsonArray) (include "hub.valuesOf" (dict "root" . "key" "args" "trait" "args") | fromJsonArray) }}
{{- range $command := $commands }}
  {{- range $word := kindIs "slice" $command.value | ternary $command.value (list $command.value) }}
    {{- if regexMatch "(?i)[.](allow_origin=['\"]?[*]|disable_check_xsrf=true)" (toString $word) }}
{{ $command.at }}: every website could act in the server of a student who has signed in ({{ $word }}). Remove it.
    {{- end }}
  {{- end }}
{{- end }}
{{- $tornado := ((.Values.jupyterhub.hub).config).JupyterHub | default dict | dig "tornado_settings" dict | default dict }}
{{- if eq (toString $tornado.xsrf_cookies) "false" }}
{{ $at }}.xsrf_cookies: every website could act for a student who has signed in (false). Remove the line.
{{- end }}
{{- range $name, $value := $tornado.headers }}
  {{- if and (eq (lower $name) "access-control-allow-origin") (eq (toString $value) "*") }}
{{ $at }}.headers.{{ $name }}: every website could read what the hub answers ('*'). Write the address of the one that must.
  {{- end }}
{{- end }}
{{- end }}
