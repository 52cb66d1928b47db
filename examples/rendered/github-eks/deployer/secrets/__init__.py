"""The encrypted secrets: sops, how values are generated, who has a key, and what `make check` rejects."""
