{{- /* A database server that nothing names, for the URL may be in the owner's own Secret; and a database that is lost. */ -}}
{{- define "guard.database" }}
{{- $hub := .Values.jupyterhub.hub | default dict }}
{{- $type := ($hub.db).type | default "sqlite-pvc" }}
{{- if and (not (hasPrefix "sqlite" $type)) (not $hub.db.url) (not $hub.existingSecret) (not (($hub.config).JupyterHub).db_url) }}
jupyterhub.hub.db.url: it is empty, and hub.db.type is '{{ $type }}'. Write the database's URL, such as {{ ternary "mysql+pymysql" "postgresql+psycopg2" (eq $type "mysql") }}://USER@HOST/DATABASE, or use sqlite-pvc.
{{- else if hasPrefix "postgres://" ($hub.db.url | default "") }}
jupyterhub.hub.db.url: SQLAlchemy does not read postgres://, and the hub would not start. Begin it with postgresql+psycopg2://.
{{- else if and (hasPrefix "sqlite" $type) $hub.db.url }}
jupyterhub.hub.db.type: with '{{ $type }}' the hub does not use hub.db.url, and would begin with an empty database. Write {{ ternary "mysql" "postgres" (hasPrefix "mysql" $hub.db.url) }}, or remove the URL.
{{- else if eq $type "sqlite-memory" }}
jupyterhub.hub.db.type: each restart of the hub would forget who runs which server, and those servers would go on unseen (sqlite-memory). Use sqlite-pvc.
{{- end }}
{{- if eq (($hub.deploymentStrategy).type | default "Recreate") "RollingUpdate" }}
jupyterhub.hub.deploymentStrategy.type: two hubs would run at once, with one database (RollingUpdate). Remove it.
{{- end }}
{{- end }}
