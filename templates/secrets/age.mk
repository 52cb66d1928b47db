secrets: .venv ## Make the secrets that are missing, and ask for what only a provider knows
	@$(PYTHON) scripts/age_keys.py mine
	@$(PYTHON) scripts/manage_secrets.py make $(ASKED)

secrets-share: .venv ## Let somebody open the secrets: WITH=age1... NAME='Ada Lovelace'
	@$(PYTHON) scripts/age_keys.py share $(ASKED) --with '$(WITH)' --name '$(NAME)'

secrets-unshare: .venv ## Take somebody out: WITH=age1...
	@$(PYTHON) scripts/age_keys.py unshare $(ASKED) --with '$(WITH)'

secrets-new-key: .venv ## Put a new key in the place of your own
	@$(PYTHON) scripts/age_keys.py renew $(ASKED)

secrets-pipeline-key: .venv ## Print a new key for the pipeline of ENV, for the command in docs/secrets.md to read
	@$(PYTHON) scripts/age_keys.py pipeline $(ASKED)

.PHONY: secrets secrets-share secrets-unshare secrets-new-key secrets-pipeline-key
