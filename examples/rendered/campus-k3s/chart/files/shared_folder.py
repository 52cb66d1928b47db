"""Let the course staff write to the shared folder, which everybody else can only read.

The hub calls this for each server that starts; config/hub.yaml mounts the folder read-only.
"""

STAFF = "course-staff"


def is_staff(user) -> bool:
    """Whether a user is an administrator or has the role of the staff, directly or by a group."""
    roles = [*user.roles, *(role for group in user.groups for role in group.roles)]
    return user.admin or STAFF in {role.name for role in roles}


def open_for_staff(spawner, pod):
    """KubeSpawner's modify_pod_hook: the pod as it will be made."""
    if is_staff(spawner.user):
        for mount in pod.spec.containers[0].volume_mounts:
            if mount.sub_path == "shared":
                mount.read_only = False
    return pod
