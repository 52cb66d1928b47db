{{- /* A backup that would not run, or would save nothing. */ -}}
{{- define "guard.backup" }}
{{- $backup := .Values.backup | default dict }}
{{- $repository := $backup.repository | default "" }}
{{- $class := $backup.snapshotClass | default "" }}
{{- if not $repository }}
  {{- range $key := list "at" "claim" "keepDaily" }}
    {{- if and (hasKey $backup $key) (not (and $class (eq $key "at"))) }}
backup.repository: it is missing, so no home would be saved. Name it as restic does, such as s3:https://s3.example.edu/BUCKET, or remove backup.{{ $key }}.
    {{- end }}
  {{- end }}
{{- else }}
  {{- $keep := $backup.keepDaily | default 14 }}
  {{- $secrets := $backup.secrets | default dict }}
  {{- if or (lt (float64 $keep) 1.0) (ne (float64 $keep) (floor $keep)) (and (hasKey $backup "keepDaily") (eq (float64 $backup.keepDaily) 0.0)) }}
backup.keepDaily: it must be a number of days, 1 or more ({{ include "hub.text" $backup.keepDaily }}). Write how many daily backups are kept, such as 14.
  {{- end }}
  {{- if and (hasPrefix "/" $repository) (not $backup.claim) }}
backup.repository: {{ $repository }} would be a folder in a pod, which is gone after the backup. Name in backup.claim the claim whose volume is mounted there.
  {{- else if and $backup.claim (not (regexMatch "^/[a-z0-9/_-]+$" $repository)) }}
backup.claim: its volume would be mounted at backup.repository, which is not a path ({{ $repository }}). Write a path such as /backup there, or remove backup.claim.
  {{- else if or (regexMatch "^/(tmp|homes|usr|bin|etc)(/|$)" $repository) }}
backup.repository: {{ $repository }} is a folder of restic's own pod. Write another path, such as /backup.
  {{- end }}
  {{- if regexMatch "://[^/@]*:[^/@]*@" $repository }}
backup.repository: it has a password, which git would have in plain text. Remove it there, and add RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD to backup.secrets (docs/homes.md).
  {{- end }}
  {{- if not $secrets.RESTIC_PASSWORD }}
backup.secrets.RESTIC_PASSWORD: it is missing, and restic encrypts with it. Generate it with `make secrets`.
  {{- end }}
  {{- if and (hasPrefix "s3:" $repository) (not $secrets.AWS_ACCESS_KEY_ID) }}
[warning] backup.secrets has no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: the bucket must accept the pods of the hub without them. Otherwise add both (docs/homes.md).
  {{- end }}
  {{- if eq (((.Values.jupyterhub.singleuser).storage).type | default "dynamic") "none" }}
backup.repository: jupyterhub.singleuser.storage.type is none, so there is no home to save. Remove backup, or keep homes with dynamic.
  {{- end }}
{{- end }}
{{- if or $repository $class }}
  {{- $at := $backup.at | default "03:30" | toString }}
  {{- if not (regexMatch "^([01][0-9]|2[0-3]):[0-5][0-9]$" $at) }}
backup.at: '{{ include "hub.text" $at }}' is not a time of day. Write it with 24 hours and in quotes, such as '03:30'.
  {{- end }}
{{- end }}
{{- end }}

{{- /* Snapshots that would not be taken, or of volumes that have none. `make preflight` looks for the class. */ -}}
{{- define "guard.snapshots" }}
{{- $backup := .Values.backup | default dict }}
{{- $class := $backup.snapshotClass | default "" }}
{{- $type := (((.Values.jupyterhub.singleuser).storage).type | default "dynamic") }}
{{- if not $class }}
  {{- if hasKey $backup "keepSnapshots" }}
backup.snapshotClass: it is missing, so there is no snapshot to keep. Name a VolumeSnapshotClass of the cluster (docs/homes.md), or remove backup.keepSnapshots.
  {{- end }}
{{- else }}
  {{- $keep := ternary $backup.keepSnapshots 7 (hasKey $backup "keepSnapshots") | float64 }}
  {{- if or (lt $keep 1.0) (ne $keep (floor $keep)) }}
backup.keepSnapshots: it must be a number of days, 1 or more ({{ include "hub.text" $backup.keepSnapshots }}). Write for how many days snapshots are kept, such as 7.
  {{- end }}
  {{- if not (regexMatch "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$" $class) }}
backup.snapshotClass: '{{ include "hub.text" $class }}' is not a name of Kubernetes. `kubectl get volumesnapshotclasses` lists those of the cluster.
  {{- end }}
  {{- if eq $type "static" }}
backup.snapshotClass: the homes are folders of one share, which Kubernetes cannot snapshot by student. Remove it, and let the file server itself take snapshots.
  {{- else if eq $type "none" }}
backup.snapshotClass: jupyterhub.singleuser.storage.type is none, so there is no home to snapshot. Remove it, or keep homes with dynamic.
  {{- else if not $backup.repository }}
[warning] backup.snapshotClass: snapshots are lost with the storage system that has the homes. Name a backup.repository elsewhere, too (docs/homes.md).
  {{- end }}
{{- end }}
{{- end }}
