secrets: .venv ## Make the secrets that are missing, and ask for what only a provider knows
	@$(DEPLOYER) keys mine
	@$(DEPLOYER) secrets make $(ASKED) $(if $(MOVED),--moved)

secrets-share: .venv ## Share the secrets with somebody: WITH=age1... NAME='Ada Lovelace'
	@$(DEPLOYER) keys share $(ASKED) --with="$$WITH" --name="$$NAME"

secrets-unshare: .venv ## Stop sharing them with somebody: WITH=age1...
	@$(DEPLOYER) keys unshare $(ASKED) --with="$$WITH"

secrets-new-key: .venv ## Put a new key in the place of your own
	@$(DEPLOYER) keys renew $(ASKED)

secrets-pipeline-key: .venv ## Print a new key for the pipeline of ENV, for the command in docs/secrets.md to read
	@$(DEPLOYER) keys pipeline $(ASKED)

.PHONY: secrets secrets-share secrets-unshare secrets-new-key secrets-pipeline-key
