{{- /*
The authenticator, as JSON: `class` as configured, `sections` of hub.config that it reads, its own first, `settings` of
all of them, and `ours`: whether it is of the hub image that the chart brings along.
*/ -}}
{{- define "hub.authenticator" -}}
{{- $config := (.Values.jupyterhub.hub).config | default dict }}
{{- $class := ($config.JupyterHub).authenticator_class | default "dummy" }}
{{- $known := .Files.Get "files/authenticators.yaml" | fromYaml }}
{{- $sections := get $known $class | default list }}
{{- $settings := dict }}
{{- range $section := reverse $sections }}
  {{- $settings = mergeOverwrite $settings (deepCopy (get $config $section | default dict)) }}
{{- end }}
{{- dict "class" $class "sections" $sections "settings" $settings "ours" (gt (len $sections) 0) | toJson }}
{{- end }}

{{- /* "true" if the hub image is the owner's own, or a snippet of hub.extraConfig contains the text. Takes root and text. */ -}}
{{- define "hub.ownCodeHas" -}}
{{- $hub := .root.Values.jupyterhub.hub | default dict }}
{{- $found := not (has (($hub.image).name | default "") (list "" "quay.io/jupyterhub/k8s-hub")) }}
{{- range $hub.extraConfig }}
  {{- $found = or $found (contains $.text (toString .)) }}
{{- end }}
{{- if $found }}true{{ end }}
{{- end }}

{{- /* An authenticator that the hub image does not have, or settings of another one than the one in use. */ -}}
{{- define "guard.authenticator" }}
{{- $at := "jupyterhub.hub.config" }}
{{- $known := .Files.Get "files/authenticators.yaml" | fromYaml }}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- if $own.ours }}
  {{- $others := dict }}
  {{- range $known }}
    {{- range . }}
      {{- $_ := set $others . true }}
    {{- end }}
  {{- end }}
  {{- range $section, $_ := ($.Values.jupyterhub.hub).config }}
    {{- if and (hasKey $others $section) (not (has $section $own.sections)) }}
[warning] {{ $at }}.{{ $section }}: authenticator_class is '{{ $own.class }}', which does not read this section. Remove it, or move its settings to {{ join ", " $own.sections }}.
    {{- end }}
  {{- end }}
{{- else if include "hub.ownCodeHas" (dict "root" . "text" (splitList "." $own.class | last)) }}
[warning] {{ $at }}.JupyterHub.authenticator_class: the chart's hub image does not have '{{ $own.class }}', so no guard checks who may sign in. Check it yourself.
{{- else }}
  {{- $names := list "ltiauthenticator.lti13.auth.LTI13Authenticator" }}
  {{- range $name, $_ := $known }}
    {{- if not (contains "." $name) }}
      {{- $names = append $names $name }}
    {{- end }}
  {{- end }}
{{ $at }}.JupyterHub.authenticator_class: the hub's image does not have '{{ $own.class }}'. Use one of {{ sortAlpha $names | join ", " }}, or set jupyterhub.hub.image to an image that has it.
{{- end }}
{{- end }}

{{- /* CILogon's identity providers under their old name: with both, oauthenticator uses the old one. */ -}}
{{- define "guard.identity-providers" }}
{{- $set := (include "hub.authenticator" . | fromJson).settings }}
{{- $at := "jupyterhub.hub.config.CILogonOAuthenticator" }}
{{- if and (hasKey $set "idps") (hasKey $set "allowed_idps") }}
{{ $at }}.allowed_idps: idps is set, too, and oauthenticator would ignore idps ({{ keys $set.idps | sortAlpha | join ", " }}). Move all identity providers to idps, and remove allowed_idps.
{{- else if hasKey $set "allowed_idps" }}
[warning] {{ $at }}.allowed_idps: oauthenticator 17.4 has renamed it. Rename it to idps.
{{- end }}
{{- end }}

{{- /* Code of the owner that sets what guards read in the values: they would check what is not in use. */ -}}
{{- define "guard.code" }}
{{- $ours := list "announcement" "course-files" "exams" "robot-student" "shared-folder" "sign-in" }}
{{- $settings := list
  (list "privileged" "hub.config" "c\\.(Kube)?Spawner\\.privileged *= *True")
  (list "root-user" "hub.config" "c\\.(Kube)?Spawner\\.uid *= *0\\b")
  (list "open-sign-in" "hub.config" "c\\.\\w*Authenticator\\.allow_all *= *True")
  (list "existing-users" "hub.config" "c\\.\\w*Authenticator\\.allow_existing_users *= *True")
  (list "" "hub.config" "c\\.\\w*Authenticator\\.blocked_users *=")
  (list "" "hub.config" "c\\.JupyterHub\\.authenticator_class *= *['\"]\\w+['\"]")
  (list "" "hub.loadRoles" "c\\.JupyterHub\\.load_roles *=")
  (list "" "hub.services" "c\\.JupyterHub\\.services *=")
  (list "host-path" "singleuser" "['\"]host_?[pP]ath['\"] *:")
  (list "host-network" "singleuser" "['\"](hostNetwork|host_network|hostPID|hostIPC)['\"] *: *True")
}}
{{- $own := include "hub.authenticator" . | fromJson }}
{{- $snippets := dict "robot-student" (list "keep_reserved_names" "with the robot student's rights anybody could be renamed") }}
{{- /* `make try ON=…` signs in by passwords in every repository. */}}
{{- if and (has "SharedPasswordAuthenticator" $own.sections) (ne .Values.environment "try") }}
  {{- $_ := set $snippets "sign-in" (list "normalize_username" "with a capital in a name of the staff, the students' password would make anybody staff") }}
{{- end }}
{{- if (.Values.course.calendar | default dict).exams }}
  {{- $_ := set $snippets "exams" (list "cull_outside_exams" "idle servers would be stopped during exams") }}
{{- end }}
{{- range $name, $needs := $snippets }}
  {{- $code := regexReplaceAll "(?m)^\\s*#.*$" (get (($.Values.jupyterhub.hub).extraConfig | default dict) $name | toString) "" }}
  {{- if not (hasKey (($.Values.jupyterhub.hub).extraConfig | default dict) $name) }}
jupyterhub.hub.extraConfig.{{ $name }}: the chart's own code is missing, and {{ last $needs }}. Remove the null at this key{{ if eq $name "sign-in" }}, or let the template write it: `copier update --data sign_in=shared-password`{{ end }}.
  {{- else if not (contains (first $needs) $code) }}
jupyterhub.hub.extraConfig.{{ $name }}: it replaces the chart's own code, and {{ last $needs }}. Remove it, and write your code below another name.
  {{- end }}
{{- end }}
{{- range $name, $text := (.Values.jupyterhub.hub).extraConfig }}
  {{- if not (has $name $ours) }}
    {{- $code := regexReplaceAll "(?m)^\\s*#.*$" (toString $text) "" }}
    {{- range $setting := $settings }}
      {{- with regexFind (last $setting) $code }}
{{ with first $setting }}[{{ . }}] {{ end }}jupyterhub.hub.extraConfig.{{ $name }}: guards do not see what code sets ({{ . }}). Write it below jupyterhub.{{ index $setting 1 }}.
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
