{{- /* "true" on a real cluster, nothing in a render: every API server has this group, Helm's built-in list has not. */ -}}
{{- define "hub.isRealCluster" -}}
{{- if .Capabilities.APIVersions.Has "apiregistration.k8s.io/v1" }}true{{ end }}
{{- end }}

{{- /* Memory in JupyterHub's units as bytes; nothing if JupyterHub does not read it. K, M, G, T are powers of 1024. */ -}}
{{- define "hub.bytes" -}}
{{- $units := dict "K" 1024 "M" 1048576 "G" 1073741824 "T" 1099511627776 }}
{{- if kindIs "string" . }}
  {{- if regexMatch "^[0-9]+([.][0-9]+)?[KMGT]$" . }}
    {{- mulf (float64 (regexFind "^[0-9.]+" .)) (get $units (regexFind "[KMGT]$" .)) | floor | int64 }}
  {{- end }}
{{- else if not (kindIs "invalid" .) }}
  {{- int64 . }}
{{- end }}
{{- end }}

{{- /* Bytes as people write them: 14G, 1433M. */ -}}
{{- define "hub.memory" -}}
{{- $bytes := int64 . }}
{{- if not (mod $bytes 1073741824) }}{{ div $bytes 1073741824 }}G
{{- else }}{{ div $bytes 1048576 }}M
{{- end }}
{{- end }}

{{- /*
The students that fit, as JSON. Takes `node` (course.node), `memory` (bytes guaranteed to a student), `cpu` (cores
guaranteed) and `disk` (whether each has a volume of their own). scripts/seats.py has the same arithmetic.
*/ -}}
{{- define "hub.seats" -}}
{{- $free := sub (include "hub.bytes" .node.memory | int64) (include "hub.bytes" .node.reserved | int64) }}
{{- $limits := dict }}
{{- if gt (int64 .memory) 0 }}
  {{- $_ := set $limits "memory" (div (max 0 $free) (int64 .memory)) }}
{{- end }}
{{- /* Kubernetes counts processors in thousandths, and so the division has no remainder of a float's. */ -}}
{{- $share := round (mulf 1000 (default 0 .cpu | float64)) 0 | int64 }}
{{- if and .node.cpu (gt $share 0) }}
  {{- $_ := set $limits "cpu" (div (round (mulf 1000 (float64 .node.cpu)) 0 | int64) $share) }}
{{- end }}
{{- if hasKey .node "pods" }}
  {{- $_ := set $limits "pods" (int64 .node.pods) }}
{{- end }}
{{- if and .disk (hasKey .node "disks") }}
  {{- $_ := set $limits "disks" (int64 .node.disks) }}
{{- end }}
{{- $least := "" }}
{{- range $name := list "memory" "cpu" "pods" "disks" }}
  {{- if and (hasKey $limits $name) (or (not $least) (lt (get $limits $name) (get $limits $least))) }}
    {{- $least = $name }}
  {{- end }}
{{- end }}
{{- $each := 0 }}
{{- if $least }}
  {{- $each = get $limits $least }}
{{- end }}
{{- dict "each" $each "least" $least "seats" (mul $each (int64 .node.max)) | toJson }}
{{- end }}
