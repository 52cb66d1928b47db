{{- /* The chart 5 reads a list instead of one gateway. Its own notice of that is in NOTES.txt, which Helm does not show
       for a dependency: without the guard, the route would belong to no Gateway, and nothing would reach the hub. */ -}}
{{- define "guard.route" }}
{{- $route := .Values.jupyterhub.httpRoute | default dict }}
{{- $version := .Subcharts.jupyterhub.Chart.Version }}
{{- $reads := ternary "parentRefs" "gateway" (semverCompare ">=5.0.0-0" $version) }}
{{- $refs := index $route $reads | default list }}
{{- $other := index $route (ternary "gateway" "parentRefs" (eq $reads "parentRefs")) }}
{{- if $route.enabled }}
  {{- if not $route.hostnames }}
jupyterhub.httpRoute.hostnames: the list is empty, so the route would take every host name. Write yours in config/{{ .Values.environment }}.yaml.
  {{- end }}
  {{- if and $other (kindIs "map" $other) }}
    {{- $ref := dict "kind" "Gateway" }}
    {{- range $key, $value := $other }}
      {{- with $value }}
        {{- $_ := set $ref $key . }}
      {{- end }}
    {{- end }}
jupyterhub.httpRoute.gateway: the chart {{ $version }} does not read it. Remove it, and write `parentRefs: {{ list $ref | toJson }}` below jupyterhub.httpRoute.
  {{- else if $other }}
jupyterhub.httpRoute.parentRefs: the chart {{ $version }} does not read it. Remove it, and write `gateway: {{ omit (first $other) "kind" "group" | toJson }}` below jupyterhub.httpRoute.
  {{- else if not $refs }}
jupyterhub.httpRoute.{{ $reads }}: it is empty, so the route would belong to no Gateway. Name the Gateway and its listener for https.
  {{- end }}
  {{- range $index, $ref := ternary $refs (list $refs) (kindIs "slice" $refs) }}
    {{- $key := printf "jupyterhub.httpRoute.%s" (ternary "gateway" (printf "parentRefs[%d]" $index) (eq $reads "gateway")) }}
    {{- if has ($ref.name | default "") (list "" "your-gateway") }}
{{ $key }}.name: '{{ $ref.name | default "" }}' is not a Gateway of yours. Name the one that listens for https.
    {{- end }}
    {{- if has ($ref.sectionName | default "") (list "" "http") }}
{{ $key }}.sectionName: '{{ $ref.sectionName | default "" }}' includes plain HTTP. Name the Gateway's listener for https.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
