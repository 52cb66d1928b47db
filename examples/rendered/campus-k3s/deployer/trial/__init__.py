"""The hub on this machine: JupyterHub, its proxy and students' servers as local processes, with no cluster.

The command is commands/try_hub.py. hub_config.py and what it imports run inside of JupyterHub.
"""
