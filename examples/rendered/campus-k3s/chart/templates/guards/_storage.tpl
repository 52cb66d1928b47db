{{- /* Homes that students lose or share, and mounts that keep every server from starting. */ -}}
{{- define "guard.storage" }}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $storage := $user.storage | default dict }}
{{- $type := $storage.type | default "dynamic" }}
{{- $at := "jupyterhub.singleuser.storage" }}
{{- $sizes := include "hub.valuesOf" (dict "root" . "key" "storage.capacity" "trait" "storage_capacity") | fromJsonArray }}
{{- $sizes = append $sizes (dict "at" "jupyterhub.hub.db.pvc.storage" "value" (((.Values.jupyterhub.hub).db).pvc).storage) }}
{{- range $size := $sizes }}
  {{- $text := include "hub.text" ($size.value | default "") }}
  {{- $number := regexFind "^[0-9.]+" $text | default "10" }}
  {{- if not $text }}
  {{- else if not (regexMatch "^[0-9]+([.][0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$" $text) }}
{{ $size.at }}: '{{ $text }}' is not a size for Kubernetes. Write it with Gi, such as {{ $number }}Gi.
  {{- else if not (regexMatch "[0-9](Mi|Gi|Ti|Pi|M|G|T|P)$" $text) }}
{{ $size.at }}: {{ $text }} is less than a file system needs, because {{ if regexMatch "[0-9]$" $text }}a number without a unit is bytes{{ else }}{{ regexFind "[A-Za-z]+$" $text }} is a thousand bytes{{ end }}. Write it with Gi, such as {{ ternary $number "10" (lt (float64 $number) 1000.0) }}Gi.
  {{- else if and (regexMatch "[0-9]Mi?$" $text) (lt (float64 $number) 50.0) }}
{{ $size.at }}: {{ $text }} is too little for a student's files, or for the hub's database. Write it with Gi, such as {{ $number }}Gi.
  {{- end }}
{{- end }}
{{- range $modes := include "hub.valuesOf" (dict "root" . "key" "storage.dynamic.storageAccessModes" "trait" "storage_access_modes") | fromJsonArray }}
  {{- range $mode := kindIs "slice" $modes.value | ternary $modes.value (list $modes.value) }}
    {{- if not (has $mode (list "ReadWriteOnce" "ReadWriteMany" "ReadWriteOncePod")) }}
{{ $modes.at }}: no home can be made with '{{ $mode }}'. Write [ReadWriteOnce].
    {{- end }}
  {{- end }}
{{- end }}
{{- $home := $storage.homeMountPath | default "/home/jovyan" }}
{{- /* What the images of Docker Stacks and of Rocker have, unless their variables choose another user. */}}
{{- $own := "" }}
{{- with regexFind "^((quay|docker)\\.io/)?(jupyter|rocker)/" (($user.image).name | default "") }}
  {{- $own = ternary "/home/rstudio" "/home/jovyan" (contains "rocker/" .) }}
{{- end }}
{{- if not (regexMatch "^/" $home) }}
{{ $at }}.homeMountPath: '{{ $home }}' does not begin with /, so no server would start. Write /{{ $home }}, if that is the home of the image's user.
{{- else if and $own (ne $type "none") (not (contains "{" $home)) (not (hasPrefix (printf "%s/" $own) (printf "%s/" $home))) (not (kindIs "map" $user.extraEnv | ternary $user.extraEnv dict | dig "NB_USER" "")) }}
{{ $at }}.homeMountPath: the home of the image's user is {{ $own }}, so students would lose what they save there ('{{ $home }}'). Write {{ $own }}.
{{- end }}
{{- if eq $type "none" }}
[no-home] {{ $at }}.type: students would lose their files when their servers stop (none). Use dynamic or static.
{{- else if eq $type "static" }}
  {{- if not ($storage.static).pvcName }}
{{ $at }}.static.pvcName: it is empty, so no server would start. Write the name of the volume claim that has the homes.
  {{- end }}
  {{- $path := ($storage.static).subPath | default "" }}
  {{- if and (hasKey ($storage.static | default dict) "subPath") (not (regexMatch "[{][^}]*user[^}]*[}]" $path)) }}
[shared-home] {{ $at }}.static.subPath: all students would have one home ('{{ $path }}'). Add {escaped_username}, such as homes/{escaped_username}.
  {{- end }}
{{- else }}
  {{- $dynamic := $storage.dynamic | default dict }}
  {{- range $claim := include "hub.valuesOf" (dict "root" . "key" "storage.dynamic.pvcNameTemplate" "trait" "pvc_name_template") | fromJsonArray }}
    {{- if and $claim.value (not (regexMatch "[{][^}]*user[^}]*[}]" (printf "%s %s" $claim.value ($dynamic.subPath | default "")))) }}
[shared-home] {{ $claim.at }}: all students would have one home ('{{ $claim.value }}'). Add {user_server}, such as {{ $claim.value }}-{user_server}.
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Mounts without their volume, in both forms of the chart: a list, or a map with names of one's own. */ -}}
{{- define "guard.mounts" }}
{{- $hub := .Values.jupyterhub.hub | default dict }}
{{- $user := .Values.jupyterhub.singleuser | default dict }}
{{- $storage := $user.storage | default dict }}
{{- $code := values ($hub.extraConfig | default dict) | join "\n" }}
{{- $spawner := dict }}
{{- range $section := list "Spawner" "KubeSpawner" }}
  {{- $spawner = mergeOverwrite $spawner (deepCopy (get ($hub.config | default dict) $section | default dict)) }}
{{- end }}
{{- $home := ternary "home" (($storage.dynamic).volumeNameTemplate | default "") (eq ($storage.type | default "dynamic") "static") }}
{{- $shared := concat (include "hub.items" $storage.extraVolumes | fromJsonArray) (include "hub.items" $spawner.volumes | fromJsonArray) (include "hub.items" ($user.extraPodConfig).volumes | fromJsonArray) (list (dict "name" $home) (dict "name" "files")) }}
{{- $checks := list
  (dict "at" "jupyterhub.singleuser.storage.extraVolumeMounts" "mounts" $storage.extraVolumeMounts "volumes" $shared "add" "jupyterhub.singleuser.storage.extraVolumes")
  (dict "at" "jupyterhub.hub.extraVolumeMounts" "mounts" $hub.extraVolumeMounts "volumes" (concat (include "hub.items" $hub.extraVolumes | fromJsonArray) (list (dict "name" "config") (dict "name" "secret") (dict "name" "existing-secret") (dict "name" "files") (dict "name" "pvc"))) "add" "jupyterhub.hub.extraVolumes")
}}
{{- range $place := include "hub.overrides" . | fromJsonArray }}
  {{- $checks = append $checks (dict "at" (printf "%s.volume_mounts" $place.at) "mounts" $place.set.volume_mounts "volumes" (concat $shared (include "hub.items" $place.set.volumes | fromJsonArray)) "add" (printf "%s.volumes" $place.at)) }}
{{- end }}
{{- range $check := $checks }}
  {{- $names := list }}
  {{- range $volume := $check.volumes }}
    {{- if kindIs "map" $volume }}
      {{- $names = append $names ($volume.name | default "") }}
    {{- else if kindIs "invalid" $volume }}
{{ $check.add }}: a volume has no value (null). Remove its line.
    {{- end }}
  {{- end }}
  {{- range $mount := include "hub.items" $check.mounts | fromJsonArray }}
    {{- $name := "" }}
    {{- if kindIs "map" $mount }}
      {{- $name = $mount.name | default "" }}
    {{- end }}
    {{- if kindIs "invalid" $mount }}
{{ $check.at }}: a mount has no value (null). Remove its line.
    {{- else if not $name }}
{{ $check.at }}: a mount has no name ({{ toJson $mount }}). Write name, the name of its volume, and mountPath.
    {{- else if not (or (has $name $names) (contains (printf "\"%s\"" $name) $code) (contains (printf "'%s'" $name) $code)) }}
{{ $check.at }}: there is no volume '{{ $name }}', so no {{ hasPrefix "jupyterhub.hub.extra" $check.at | ternary "hub" "server" }} would start. Add it to {{ $check.add }}.
    {{- end }}
  {{- end }}
{{- end }}
{{- /* A list in ../config replaces the one in values.yaml. */}}
{{- range $path := regexFindAll "/etc/course/[a-z_]+[.]py" $code -1 | uniq }}
  {{- $paths := list }}
  {{- range $mount := include "hub.items" $hub.extraVolumeMounts | fromJsonArray }}
    {{- $paths = append $paths ($mount.mountPath | default "") }}
  {{- end }}
  {{- $isNeeded := or (ne $path "/etc/course/cull_outside_exams.py") (($.Values.course.calendar | default dict).exams) }}
  {{- if and $isNeeded (not (has "/etc/course" $paths)) }}
jupyterhub.hub.extraVolumeMounts: the list replaces the one in chart/values.yaml, and {{ $path }} is missing. Add to it, and to jupyterhub.hub.extraVolumes, the items course-files of chart/values.yaml.
  {{- end }}
{{- end }}
{{- end }}

{{- /* The items of a list, or the values of a map, as a JSON list. */ -}}
{{- define "hub.items" -}}
{{- if kindIs "slice" . }}{{ toJson . }}{{ else if kindIs "map" . }}{{ values . | toJson }}{{ else }}[]{{ end }}
{{- end }}
