"""The commands of this repository: `python -m deployer COMMAND`. README.md says how the package is laid out."""
