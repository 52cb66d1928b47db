{{- /* The secrets of the environment, no others, and on a real cluster not without. Never shows the value of one. */ -}}
{{- define "guard.secrets" }}
{{- $env := .Values.environment }}
{{- $for := .Values.secretsFor | default "" }}
{{- $real := include "hub.isRealCluster" . }}
{{- if and $for (ne $for "rendering") (ne $for $env) }}
secretsFor: secrets/{{ $for }}.yaml is on its way to {{ $env }}; use `make deploy ENV={{ $env }}`, which takes secrets/{{ $env }}.yaml
{{- else if and $real (eq $for "rendering") }}
secretsFor: these are the fake secrets of chart/ci/fake-secrets.yaml, which everybody knows; use `make deploy ENV={{ $env }}`, which takes secrets/{{ $env }}.yaml
{{- else if and $real (not $for) }}
secretsFor: there are no secrets; make them with `make secrets`, and use `make deploy ENV={{ $env }}`, which takes secrets/{{ $env }}.yaml
{{- end }}
{{- end }}

{{- /* JupyterHub does not start with a shorter one. */ -}}
{{- define "guard.passwords" }}
{{- $section := ((.Values.jupyterhub.hub).config).SharedPasswordAuthenticator | default dict }}
{{- range $trait, $least := dict "user_password" 8 "admin_password" 32 }}
  {{- $password := get $section $trait | toString }}
  {{- if and (hasKey $section $trait) (lt (len $password) $least) }}
jupyterhub.hub.config.SharedPasswordAuthenticator.{{ $trait }}: it has {{ len $password }} characters, and JupyterHub wants {{ $least }} at least; make a longer one with `make secrets-set`
  {{- end }}
{{- end }}
{{- end }}

{{- /* Ciphertext anywhere; on a real cluster fakes and blanks too. If all are fakes, guard.secrets has said so. */ -}}
{{- define "guard.walk" }}
{{- include "hub.walk" (dict "value" (deepCopy .Values) "path" "" "real" (include "hub.isRealCluster" .) "env" .Values.environment "for" (.Values.secretsFor | default "")) }}
{{- end }}

{{- define "hub.walk" }}
{{- $path := .path }}
{{- $real := .real }}
{{- $env := .env }}
{{- $for := .for }}
{{- if kindIs "map" .value }}
  {{- range $key, $value := .value }}
    {{- include "hub.walk" (dict "value" $value "path" (printf "%s.%s" $path $key) "real" $real "env" $env "for" $for) }}
    {{- if contains "fill-in--" $key }}
      {{- include "hub.walk" (dict "value" $key "path" $path "real" $real "env" $env "for" $for) }}
    {{- end }}
  {{- end }}
{{- else if kindIs "slice" .value }}
  {{- range $index, $value := .value }}
    {{- include "hub.walk" (dict "value" $value "path" (printf "%s[%d]" $path $index) "real" $real "env" $env "for" $for) }}
  {{- end }}
{{- else if kindIs "string" .value }}
  {{- if contains "ENC[AES256_GCM," .value }}
{{ trimPrefix "." $path }}: it is still encrypted; use `make deploy ENV={{ $env }}`, which decrypts secrets/{{ $env }}.yaml on the way
  {{- else if and $real (ne .for "rendering") (hasPrefix "fake-for-rendering--" .value) }}
{{ trimPrefix "." $path }}: it is the fake of chart/ci/fake-secrets.yaml, which everybody knows; make a real one with `make secrets`
  {{- else if and $real (contains "fill-in--" .value) }}
{{ trimPrefix "." $path }}: '{{ regexFind "fill-in--[A-Za-z0-9-]+" .value }}' is a blank; write in its place what your provider gave you
  {{- end }}
{{- end }}
{{- end }}
