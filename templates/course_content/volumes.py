# Not in singleuser.storage.extraVolumes: a list there, in ../config, would replace the chart's own map.
c.KubeSpawner.volumes["course-files"] = {"name": "course-files", "configMap": {"name": "course-files"}}
c.KubeSpawner.volume_mounts["course-files"] = {"name": "course-files", "mountPath": "/etc/course"}
