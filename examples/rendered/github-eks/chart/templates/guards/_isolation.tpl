{{- /* What lets a student's server reach the node, the cluster or the cloud account. */ -}}
{{- define "guard.isolation" }}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $policy := $user.networkPolicy | default dict }}
{{- $open := eq (toString $policy.enabled) "false" }}
{{- if $open }}
[no-network-policy] jupyterhub.singleuser.networkPolicy.enabled: students' servers could reach each other and everything in your network (false). Set it to true.
{{- end }}
{{- if and (eq (toString ($user.cloudMetadata).blockWithIptables) "false") (or $open (($policy.egressAllowRules).cloudMetadataServer)) }}
[cloud-metadata] jupyterhub.singleuser.cloudMetadata.blockWithIptables: students could use the credentials of the node's cloud account (false). Set it to true, or let singleuser.networkPolicy block the metadata server.
{{- end }}
{{- include "hub.hostAccess" (dict "path" "jupyterhub.singleuser" "value" (omit $user "extraAnnotations" "extraEnv" "extraFiles" "extraLabels" "networkPolicy")) }}
{{- range $section := list "KubeSpawner" "Spawner" }}
  {{- include "hub.hostAccess" (dict "path" (printf "jupyterhub.hub.config.%s" $section) "value" (get (($.Values.jupyterhub.hub).config | default dict) $section)) }}
{{- end }}
{{- end }}

{{- /* Sentences for each key below `path` that gives a container rights on its node. Init containers may be root. */ -}}
{{- define "hub.hostAccess" }}
{{- $path := .path }}
{{- if kindIs "slice" .value }}
  {{- range $number, $item := .value }}
    {{- include "hub.hostAccess" (dict "path" (printf "%s[%d]" $path $number) "value" $item) }}
  {{- end }}
{{- else if kindIs "map" .value }}
  {{- range $key, $value := .value }}
    {{- $at := printf "%s.%s" $path $key }}
    {{- $on := eq (toString $value) "true" }}
    {{- if and (has $key (list "uid" "runAsUser" "run_as_user")) (eq (toString $value) "0") }}
      {{- if not (regexMatch "init_?[cC]ontainers\\[" $path) }}
[root-user] {{ $at }}: students' servers would run as root (0). Use 1000, or the user of the image.
      {{- end }}
    {{- else if and (eq $key "privileged") $on }}
[privileged] {{ $at }}: the container would have every right on its node (true). Remove it.
    {{- else if and (has $key (list "hostNetwork" "hostPID" "hostIPC" "host_network" "host_pid" "host_ipc")) $on }}
[host-network] {{ $at }}: students' servers would share the network or the processes of their node (true). Remove it.
    {{- else if and (has $key (list "hostPath" "host_path")) $value }}
[host-path] {{ $at }}: students' servers would mount a folder of their node ({{ dig "path" "" $value }}). Use a volume claim.
    {{- else }}
      {{- include "hub.hostAccess" (dict "path" $at "value" $value) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
