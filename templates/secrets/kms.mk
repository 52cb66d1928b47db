secrets: .venv ## Make the secrets that are missing, and ask for what only a provider knows
	@$(PYTHON) scripts/manage_secrets.py make $(ASKED)

.PHONY: secrets
