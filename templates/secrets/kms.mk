secrets: .venv ## Make the secrets that are missing, and ask for what only a provider knows
	@$(DEPLOYER) secrets make $(ASKED) $(if $(MOVED),--moved)

.PHONY: secrets
