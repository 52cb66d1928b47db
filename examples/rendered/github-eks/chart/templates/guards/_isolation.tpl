{{- /* What lets a student's server reach the node, the cluster or the cloud account. */ -}}
{{- define "guard.isolation" }}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $policy := $user.networkPolicy | default dict }}
{{- /* A null removes the chart's own true. */}}
{{- $open := ne (toString $policy.enabled) "true" }}
{{- if $open }}
[no-network-policy] jupyterhub.singleuser.networkPolicy.enabled: students' servers could reach each other and everything in your network ({{ $policy.enabled | default false }}). Set it to true.
{{- else if eq (toString ($policy.egressAllowRules).privateIPs) "true" }}
[warning] jupyterhub.singleuser.networkPolicy.egressAllowRules.privateIPs: students' servers reach everything in your network (true). Write a rule in networkPolicy.egress for what they need.
{{- end }}
{{- $reach := dict "hub" "the hub's API and its database" "chp" "the proxy's API, which sends students anywhere" "traefik" "the proxy for https" }}
{{- range $pod, $what := $reach }}
  {{- $at := ternary "hub.networkPolicy" (printf "proxy.%s.networkPolicy" $pod) (eq $pod "hub") }}
  {{- $place := ternary $.Values.jupyterhub.hub (get ($.Values.jupyterhub.proxy | default dict) $pod) (eq $pod "hub") | default dict }}
  {{- if eq (toString ($place.networkPolicy).enabled) "false" }}
[no-network-policy] jupyterhub.{{ $at }}.enabled: everything in the cluster, students' servers too, could reach {{ $what }} (false). Set it to true.
  {{- end }}
{{- end }}
{{- $wide := include "hub.rulesToMetadata" $policy.egress | fromJsonArray }}
{{- if and (eq (toString ($user.cloudMetadata).blockWithIptables) "false") (or $open (($policy.egressAllowRules).cloudMetadataServer) $wide) }}
[cloud-metadata] jupyterhub.singleuser.cloudMetadata.blockWithIptables: students could use the credentials of the node's cloud account (false{{ with $wide }}, and jupyterhub.singleuser.networkPolicy.egress[{{ first . }}] includes 169.254.169.254{{ end }}). Set it to true, or let singleuser.networkPolicy block the metadata server.
{{- end }}
{{- range $number, $rule := $policy.ingress | default list }}
  {{- if and (not $open) (not ($rule).from) (not ($rule).ports) }}
[no-network-policy] jupyterhub.singleuser.networkPolicy.ingress[{{ $number }}]: the rule is empty, so everything in the cluster could reach students' servers ({{ toJson $rule }}). Name in `from` what may.
  {{- end }}
{{- end }}
{{- include "hub.hostAccess" (dict "path" "jupyterhub.singleuser" "value" (omit $user "extraAnnotations" "extraEnv" "extraFiles" "extraLabels" "networkPolicy")) }}
{{- range $name, $value := kindIs "map" $user.extraEnv | ternary $user.extraEnv dict }}
  {{- if kindIs "map" $value }}
    {{- include "hub.hostAccess" (dict "path" (printf "jupyterhub.singleuser.extraEnv.%s" $name) "value" $value) }}
  {{- end }}
{{- end }}
{{- $hub := .Values.jupyterhub.hub | default dict }}
{{- $keys := list "extraPodSpec" "extraContainers" "initContainers" "extraVolumes" "containerSecurityContext" "podSecurityContext" }}
{{- $cores := dict "hub" $hub "proxy.chp" ((.Values.jupyterhub.proxy).chp) "proxy.traefik" ((.Values.jupyterhub.proxy).traefik) }}
{{- range $name, $core := $cores }}
  {{- range $key := $keys }}
    {{- include "hub.hostAccess" (dict "who" "the hub" "path" (printf "jupyterhub.%s.%s" $name $key) "value" (get ($core | default dict) $key)) }}
  {{- end }}
{{- end }}
{{- range $section := list "KubeSpawner" "Spawner" }}
  {{- include "hub.hostAccess" (dict "path" (printf "jupyterhub.hub.config.%s" $section) "value" (get (($.Values.jupyterhub.hub).config | default dict) $section)) }}
{{- end }}
{{- end }}

{{- /*
The numbers of the egress rules that include port 80 of the metadata server, as a JSON list. A rule without `to` includes
every address, and one without `ports` every port.
*/ -}}
{{- define "hub.rulesToMetadata" -}}
{{- $found := list }}
{{- range $number, $rule := . | default list }}
  {{- $rule = $rule | default dict }}
  {{- $isWide := not $rule.to }}
  {{- range $rule.to }}
    {{- $block := (.).ipBlock | default dict }}
    {{- if regexMatch "(^169\\.254\\.|/0$)" ($block.cidr | default "") }}
      {{- $isWide = or $isWide (not (regexMatch "169\\.254\\." ($block.except | default list | join " "))) }}
    {{- end }}
  {{- end }}
  {{- $isPort := not $rule.ports }}
  {{- range $rule.ports }}
    {{- $first := (.).port | default 0 | int }}
    {{- $isPort = or $isPort (not (.).port) (and (le $first 80) (ge (.endPort | default $first | int) 80)) }}
  {{- end }}
  {{- if and $isWide $isPort }}
    {{- $found = append $found $number }}
  {{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{- /* Sentences for each key below `path` that gives a container rights on its node. Init containers may be root. */ -}}
{{- define "hub.hostAccess" }}
{{- $path := .path }}
{{- $who := .who | default "students' servers" }}
{{- $their := ternary "its" "their" (eq $who "the hub") }}
{{- if kindIs "slice" .value }}
  {{- range $number, $item := .value }}
    {{- include "hub.hostAccess" (dict "who" $.who "path" (printf "%s[%d]" $path $number) "value" $item) }}
  {{- end }}
{{- else if kindIs "map" .value }}
  {{- range $key, $value := .value }}
    {{- $at := printf "%s.%s" $path $key }}
    {{- $on := eq (toString $value) "true" }}
    {{- if and (has $key (list "uid" "runAsUser" "run_as_user")) (eq (toString $value) "0") }}
      {{- if not (regexMatch "init_?[cC]ontainers\\[" $path) }}
[root-user] {{ $at }}: {{ $who }} would run as root (0). Use 1000, or the user of the image.
      {{- end }}
    {{- else if and (eq $key "privileged") $on }}
[privileged] {{ $at }}: the container would have every right on its node (true). Remove it.
    {{- else if and (has $key (list "hostNetwork" "hostPID" "hostIPC" "host_network" "host_pid" "host_ipc")) $on }}
[host-network] {{ $at }}: {{ $who }} would share the network or the processes of {{ $their }} node (true). Remove it.
    {{- else if and (has $key (list "hostPath" "host_path")) $value }}
[host-path] {{ $at }}: {{ $who }} would mount a folder of {{ $their }} node ({{ kindIs "map" $value | ternary $value (dict "path" $value) | dig "path" "" }}). Use a volume claim.
    {{- else if and (has $key (list "hostPort" "host_port")) $value }}
[host-network] {{ $at }}: {{ $who }} would take a port of {{ $their }} node ({{ include "hub.text" $value }}). Remove it.
    {{- else if and (eq $key "capabilities") (kindIs "map" $value) (without ($value.add | default list) "NET_BIND_SERVICE") }}
[privileged] {{ $at }}.add: the container would have rights on its node ({{ without $value.add "NET_BIND_SERVICE" | join ", " }}). Remove them.
    {{- else if and (eq $key "procMount") (eq (toString $value) "Unmasked") }}
[privileged] {{ $at }}: the container would see and change its node's kernel (Unmasked). Remove it.
    {{- else if and (not $.who) (has $key (list "serviceAccountName" "serviceAccount" "service_account")) (eq (toString $value) "hub") }}
{{ $at }}: students' servers would have the rights of the hub, which starts servers and reads secrets (hub). Remove it, or name a service account of their own.
    {{- else if and (not $.who) (has $key (list "serviceAccountName" "serviceAccount" "service_account")) (has (toString $value) (list "autohttps" "class-calendar" "hook-image-awaiter" "user-scheduler")) }}
{{ $at }}: students' servers would have rights in the cluster that only a part of the hub needs ({{ $value }}). Remove it, or name a service account of their own.
    {{- else if and (not $.who) (has $key (list "claimName" "claim_name")) (eq (toString $value) "hub-db-dir") }}
{{ $at }}: students' servers would read and change the hub's database (hub-db-dir). Use a volume claim of their own.
    {{- else if and (not $.who) (has $key (list "secret" "secretKeyRef" "secretRef" "secret_key_ref" "secret_ref")) (kindIs "map" $value) (has ($value.secretName | default $value.secret_name | default $value.name | default "") (list "hub" "operator" "backup")) }}
{{ $at }}: students' servers would read the secrets of the hub ({{ $value.secretName | default $value.secret_name | default $value.name }}). Use a Secret of their own.
    {{- else if and (has $key (list "uid" "run_as_user")) (contains "{" (toString $value)) }}
[root-user] {{ $at }}: a student could type 0, and would be root ('{{ $value }}'). Remove it.
    {{- else }}
      {{- include "hub.hostAccess" (dict "who" $.who "path" $at "value" $value) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /*
What the Pod Security label `restricted` rejects, which the first deploy gives the namespace: no server would start. It is a
warning, because an administrator may have set another label. `set` has the settings of KubeSpawner, of which a container
inherits those of the pod.
*/ -}}
{{- define "guard.pod-security" }}
{{- range $name, $level := dict "host-network" "privileged" "host-path" "privileged" "privileged" "privileged" "root-user" "baseline" }}
  {{- if has $name ($.Values.course.allow | default list) }}
[warning] course.allow: {{ $name }} requires the Pod Security label {{ $level }} of the namespace. An administrator must set it (docs/cluster.md); `make preflight` compares.
  {{- end }}
{{- end }}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $config := (.Values.jupyterhub.hub).config | default dict }}
{{- $spawner := merge (dict) ($config.KubeSpawner | default dict) ($config.Spawner | default dict) }}
{{- $pod := merge (dict) (($user.extraPodConfig).securityContext | default dict) ($spawner.pod_security_context | default dict) }}
{{- $root := "jupyterhub.singleuser" }}
{{- $places := list
  (dict "at" (printf "%s.initContainers" $root) "items" $user.initContainers)
  (dict "at" (printf "%s.extraContainers" $root) "items" $user.extraContainers)
  (dict "at" (printf "%s.storage.extraVolumes" $root) "items" ($user.storage).extraVolumes)
  (dict "at" (printf "%s.allowPrivilegeEscalation" $root) "gains" $user.allowPrivilegeEscalation)
}}
{{- range $override := prepend (include "hub.overrides" . | fromJsonArray) (dict "at" "jupyterhub.hub.config.KubeSpawner" "set" $spawner) }}
  {{- range $key := list "init_containers" "extra_containers" "volumes" }}
    {{- $places = append $places (dict "at" (printf "%s.%s" $override.at $key) "items" (get $override.set $key)) }}
  {{- end }}
  {{- $places = append $places (dict "at" (printf "%s.allow_privilege_escalation" $override.at) "gains" $override.set.allow_privilege_escalation) }}
{{- end }}
{{- range $place := $places }}
  {{- if eq (toString $place.gains) "true" }}
[warning] {{ $place.at }}: {{ include "hub.restricted" "Remove it" }}
  {{- end }}
  {{- range $item := include "hub.items" $place.items | fromJsonArray }}
    {{- if and (kindIs "map" $item) (regexMatch "olumes$" $place.at) }}
      {{- range $kind := omit $item "name" "configMap" "csi" "downwardAPI" "emptyDir" "ephemeral" "hostPath" "persistentVolumeClaim" "projected" "secret" | keys | sortAlpha }}
        {{- if has $kind (list "nfs" "iscsi" "cephfs" "rbd" "glusterfs" "azureFile" "gitRepo") }}
[warning] {{ $place.at }}: {{ include "hub.restricted" (printf "Use a persistentVolumeClaim instead of %s" $kind) }}
        {{- end }}
      {{- end }}
    {{- else if kindIs "map" $item }}
      {{- $own := $item.securityContext | default $item.security_context | default dict }}
      {{- $lacks := list }}
      {{- if ne (toString $own.allowPrivilegeEscalation) "false" }}
        {{- $lacks = append $lacks "allowPrivilegeEscalation: false" }}
      {{- end }}
      {{- if not (has "ALL" (($own.capabilities).drop | default list)) }}
        {{- $lacks = append $lacks "capabilities: {drop: [ALL]}" }}
      {{- end }}
      {{- if not ($own.seccompProfile | default $pod.seccompProfile) }}
        {{- $lacks = append $lacks "seccompProfile: {type: RuntimeDefault}" }}
      {{- end }}
      {{- $runs := merge (dict) $own $pod }}
      {{- if or (not $runs.runAsNonRoot) (and (hasKey $runs "runAsUser") (eq (toString $runs.runAsUser) "0")) }}
        {{- $lacks = append $lacks "runAsNonRoot: true and another user than 0" }}
      {{- end }}
      {{- if $lacks }}
[warning] {{ $place.at }}: {{ include "hub.restricted" (printf "Write securityContext: {%s} into '%s'" (join ", " $lacks) ($item.name | default "")) }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "hub.restricted" -}}
the Pod Security label restricted of the namespace rejects this, so no server would start. {{ . }}, or let an administrator set another label (docs/cluster.md).
{{- end }}

{{- /*
The same for the pods that `make check` has made with the hub's own spawner (deployer/hub_start/): code may have set there
what no value shows. A deploy has none.
*/ -}}
{{- define "guard.pods" }}
{{- $selector := toJson ((.Values.jupyterhub.singleuser).nodeSelector | default dict) }}
{{- range $key, $spec := .Values.pods }}
  {{- $at := printf "the pod of %s: spec" (trim $key) }}
  {{- include "hub.hostAccess" (dict "path" $at "value" $spec) }}
  {{- include "hub.images" (dict "own" "" "path" $at "value" $spec) }}
  {{- $limits := ((first $spec.containers).resources).limits | default dict }}
  {{- /* On nodes of its own a server may have all memory. */}}
  {{- if and (not $limits.memory) (not (omit $limits "cpu")) (eq (toJson ($spec.nodeSelector | default dict)) $selector) }}
[no-memory-limit] {{ $at }}.containers[0].resources.limits.memory: there is none, so one student could use all memory of a node. Write one, such as 2G.
  {{- end }}
{{- end }}
{{- end }}
