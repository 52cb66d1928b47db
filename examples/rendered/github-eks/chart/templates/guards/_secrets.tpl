{{- /* The secrets of the environment, no others, and on a real cluster not without. Never shows the value of one. */ -}}
{{- define "guard.secrets" }}
{{- $env := .Values.environment }}
{{- $for := .Values.secretsFor | default "" }}
{{- $real := include "hub.isRealCluster" . }}
{{- /* `<release> in <repository>`; the environment alone is what older versions of the template wrote. */}}
{{- $of := first (splitList " in " $for) }}
{{- if and $for (not (has $of (list "rendering" $env (printf "%s-%s" .Chart.Name $env)))) }}
secretsFor: these are the secrets of {{ $of }}, and the release is {{ .Chart.Name }}-{{ $env }}. Use `make deploy ENV={{ $env }}`, which takes secrets/{{ $env }}.yaml.
{{- else if and $real (eq $for "rendering") }}
secretsFor: these are the fake secrets of chart/ci/fake-secrets.yaml, which everybody knows. Use `make deploy ENV={{ $env }}`, which takes secrets/{{ $env }}.yaml.
{{- else if and $real (not $for) }}
secretsFor: there are no secrets. Make them with `make secrets`, and use `make deploy ENV={{ $env }}`, which takes secrets/{{ $env }}.yaml.
{{- end }}
{{- end }}

{{- /* Secrets with which JupyterHub does not start, or that can be guessed. */ -}}
{{- define "guard.passwords" }}
{{- $hub := .Values.jupyterhub.hub | default dict }}
{{- $section := ($hub.config).SharedPasswordAuthenticator | default dict }}
{{- range $trait, $least := dict "user_password" 8 "admin_password" 32 }}
  {{- $password := get $section $trait | toString }}
  {{- if and (hasKey $section $trait) (lt (len $password) $least) }}
jupyterhub.hub.config.SharedPasswordAuthenticator.{{ $trait }}: JupyterHub requires at least {{ $least }} characters ({{ len $password }}). Make a longer one with `make secrets-set`.
  {{- end }}
{{- end }}
{{- range $key, $secret := dict "cookieSecret" $hub.cookieSecret "config.JupyterHub.cookie_secret" (($hub.config).JupyterHub).cookie_secret }}
  {{- if and $secret (not (regexMatch "^(fake-for-rendering--|fill-in--|ENC\\[)" $secret)) (not (regexMatch "^[0-9a-fA-F]{64,}$" $secret)) }}
jupyterhub.hub.{{ $key }}: JupyterHub requires 64 hexadecimal digits (it has {{ len $secret }} characters). Make one with `make secrets-rotate NEW=jupyterhub.hub.{{ $key }}`.
  {{- end }}
{{- end }}
{{- end }}

{{- /* Ciphertext anywhere; on a real cluster fakes and blanks too. If all are fakes, guard.secrets rejects them. */ -}}
{{- define "guard.unfinished-values" }}
{{- include "hub.unfinishedValues" (dict "value" (deepCopy .Values) "path" "" "real" (include "hub.isRealCluster" .) "env" .Values.environment "for" (.Values.secretsFor | default "")) }}
{{- end }}

{{- /* The sentences for a value and all below it. Takes the value, its path, and what guard.unfinished-values adds. */ -}}
{{- define "hub.unfinishedValues" }}
{{- if kindIs "map" .value }}
  {{- range $key, $value := .value }}
    {{- include "hub.unfinishedValues" (merge (dict "value" $value "path" (printf "%s.%s" $.path $key)) (omit $ "value" "path")) }}
    {{- if contains "fill-in--" $key }}
      {{- include "hub.unfinishedValues" (merge (dict "value" $key) (omit $ "value")) }}
    {{- end }}
  {{- end }}
{{- else if kindIs "slice" .value }}
  {{- range $index, $value := .value }}
    {{- include "hub.unfinishedValues" (merge (dict "value" $value "path" (printf "%s[%d]" $.path $index)) (omit $ "value" "path")) }}
  {{- end }}
{{- else if kindIs "string" .value }}
  {{- if contains "ENC[AES256_GCM," .value }}
{{ trimPrefix "." .path }}: it is still encrypted. Use `make deploy ENV={{ .env }}`, which decrypts secrets/{{ .env }}.yaml.
  {{- else if and .real (ne .for "rendering") (hasPrefix "fake-for-rendering--" .value) }}
{{ trimPrefix "." .path }}: it is the fake of chart/ci/fake-secrets.yaml, which everybody knows. Make a real one with `make secrets`.
  {{- /* A trial needs nothing of a provider. */}}
  {{- else if and .real (ne .env "try") (contains "fill-in--" .value) }}
{{ trimPrefix "." .path }}: it is still a blank ('{{ regexFind "fill-in--[A-Za-z0-9-]+" .value }}'). Replace it by what your provider gave you.
  {{- end }}
{{- end }}
{{- end }}
