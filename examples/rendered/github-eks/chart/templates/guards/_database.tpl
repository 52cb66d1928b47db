{{- /* A database server that nothing names. The URL may be in the owner's own Secret. */ -}}
{{- define "guard.database" }}
{{- $hub := .Values.jupyterhub.hub | default dict }}
{{- $type := ($hub.db).type | default "sqlite-pvc" }}
{{- if and (not (hasPrefix "sqlite" $type)) (not $hub.db.url) (not $hub.existingSecret) (not (($hub.config).JupyterHub).db_url) }}
jupyterhub.hub.db.url: it is empty, and hub.db.type is '{{ $type }}'. Write the database's URL, such as {{ ternary "mysql+pymysql" "postgresql+psycopg2" (eq $type "mysql") }}://USER@HOST/DATABASE, or use sqlite-pvc.
{{- end }}
{{- end }}
