{{- /* A backup that would not run, or would save nothing. */ -}}
{{- define "guard.backup" }}
{{- $backup := .Values.backup | default dict }}
{{- $repository := $backup.repository | default "" }}
{{- if not $repository }}
  {{- range $key := list "at" "claim" "keepDaily" }}
    {{- if hasKey $backup $key }}
backup.repository: it is missing, so no home would be saved. Name it as restic does, such as s3:https://s3.example.edu/BUCKET, or remove backup.{{ $key }}.
    {{- end }}
  {{- end }}
{{- else }}
  {{- $at := $backup.at | default "03:30" | toString }}
  {{- $keep := $backup.keepDaily | default 14 }}
  {{- $secrets := $backup.secrets | default dict }}
  {{- if not (regexMatch "^([01][0-9]|2[0-3]):[0-5][0-9]$" $at) }}
backup.at: '{{ include "hub.text" $at }}' is not a time of day. Write it with 24 hours and in quotes, such as '03:30'.
  {{- end }}
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
{{- end }}
