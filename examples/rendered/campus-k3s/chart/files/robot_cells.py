"""What the robot student runs in its kernel: each cell prints one JSON value."""

LIMIT = """
from pathlib import Path
files = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
found = [Path(file).read_text().strip() for file in files if Path(file).exists()]
print(json.dumps(found[0] if found else "no cgroup"))
"""
IMPORTS = """
import importlib
wrong = []
for name in {names!r}:
    try:
        importlib.import_module(name)
    except Exception as error:
        wrong.append(f"{{name}} ({{type(error).__name__}}: {{error}})")
print(json.dumps(wrong))
"""
MISSING = """
from pathlib import Path
def is_there(path):
    return path.is_file() or path.is_dir() and any(path.iterdir())
print(json.dumps([name for name in {names!r} if not is_there(Path.home() / name)]))
"""
OPEN = """
import socket
try:
    socket.create_connection(({host!r}, {port}), timeout=5).close()
    print(json.dumps(True))
except OSError:
    print(json.dumps(False))
"""
CREDENTIALS = """
import os
from pathlib import Path
account = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
print(json.dumps([str(account)] * account.exists() + ["$KUBECONFIG"] * ("KUBECONFIG" in os.environ)))
"""
WRITE = """
from pathlib import Path
(Path.home() / ".robot-student").write_text({mark!r})
print(json.dumps(str(Path.home())))
"""
READ = """
from pathlib import Path
file = Path.home() / ".robot-student"
print(json.dumps(file.read_text() if file.exists() else None))
file.unlink(missing_ok=True)
"""
