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

{{- /* Secrets with which JupyterHub does not start, or that can be guessed. Never shows the value of one. */ -}}
{{- define "guard.passwords" }}
{{- $values := .Values }}
{{- $dummy := (($values.jupyterhub.hub).config).DummyAuthenticator | default dict }}
{{- if and $dummy.password (lt (len (toString $dummy.password)) 8) (has "DummyAuthenticator" (include "hub.authenticator" . | fromJson).sections) }}
jupyterhub.hub.config.DummyAuthenticator.password: {{ len (toString $dummy.password) }} characters can be guessed. Use authenticator_class: shared-password, which requires 8 and tells staff from students.
{{- end }}
{{- range $path, $rule := .Files.Get "files/secret_rules.yaml" | fromYaml }}
  {{- $keys := splitList "." $path }}
  {{- $parent := include "hub.valueAt" (dict "values" $values "keys" (initial $keys)) | fromJson }}
  {{- $secret := get $parent (last $keys) | default "" | toString }}
  {{- if not (hasKey $parent (last $keys)) }}
  {{- else if regexMatch "^(fake-for-rendering--|fill-in--|ENC\\[)" $secret }}
  {{- else if not (regexMatch $rule.pattern $secret) }}
{{ $path }}: JupyterHub requires {{ $rule.requires }} (it has {{ len (regexFindAll "(?s)." $secret -1) }} characters). Enter another with `make secrets-set ENV={{ $values.environment }} KEY={{ $path }}`.
  {{- else if and $rule.unlike (eq $secret (get $parent (splitList "." $rule.unlike | last) | default "" | toString)) }}
{{ $path }}: JupyterHub requires another value than that of {{ $rule.unlike }}. Enter another with `make secrets-set ENV={{ $values.environment }} KEY={{ $path }}`.
  {{- end }}
{{- end }}
{{- end }}

{{- /* The mapping at some keys of the values, as JSON; an empty one where there is none. */ -}}
{{- define "hub.valueAt" }}
{{- $node := .values }}
{{- range .keys }}
  {{- if kindIs "map" $node }}
    {{- $node = get $node . }}
  {{- end }}
{{- end }}
{{- kindIs "map" $node | ternary $node dict | toJson }}
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
