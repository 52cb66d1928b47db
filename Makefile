PYTHON := .venv/bin/python
# Two workers: what a CI runner's two cores can carry.
WORKERS ?= 2
TESTS ?= tests

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' Makefile

demo: .venv ## Write a hub repository with the default answers under build/ and run its checks
	@$(PYTHON) tools/demo.py

test: .venv ## Lint the template and run its tests (TESTS=tests/test_engines.py: only these)
	@.venv/bin/ruff check --quiet . && .venv/bin/ruff format --quiet --check .
	@HELM="$$($(PYTHON) tools/fetch_helm.py)" && export HELM && $(PYTHON) -m pytest --numprocesses $(WORKERS) --dist worksteal $(TESTS)

e2e: .venv ## Deploy to the cluster that E2E_CONTEXT names, kubectl's current context, and break it in many ways (HELM4: a Helm 4 too)
	@HELM="$$($(PYTHON) tools/fetch_helm.py)" && export HELM && $(PYTHON) -m pytest -m e2e tests/e2e

bench: .venv ## Measure both engines against a tree without template syntax
	@$(PYTHON) tools/bench.py

copier.yml: cookiecutter.json tools/write_copier_yaml.py .venv ## Write copier.yml again from cookiecutter.json
	@$(PYTHON) tools/write_copier_yaml.py

sample: .venv ## Write examples/rendered/ again, which shows what a change does to the output
	@$(PYTHON) tools/write_sample.py

.venv: tests/requirements.txt <<cookiecutter.hub_name>>/scripts/requirements.txt
	@python3 -m venv .venv
	@.venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch .venv

.PHONY: help demo test e2e bench sample
.DEFAULT_GOAL := help
