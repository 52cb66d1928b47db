import runpy

hook = "/etc/course/shared_folder.py"
c.KubeSpawner.modify_pod_hook = lambda spawner, pod: runpy.run_path(hook)["open_for_staff"](spawner, pod)
