PYTHON := .venv/bin/python
PIP := .venv/bin/pip install --quiet --quiet --disable-pip-version-check
# Three workers on the two cores of a CI runner: many tests wait for a hub.
WORKERS ?= 3
TESTS ?= tests

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' Makefile

demo: ## Write a hub repository with the default answers under build/, check it, and let a robot use its hub (OPEN=1: leave the hub running)
	@python3 tools/demo.py $(if $(OPEN),--open)

lint: .venv ## Run the hooks of .pre-commit-config.yaml on all files
	@.venv/bin/pre-commit run --all-files

test: lint ## Lint the template and run its tests (TESTS=tests/test_engines.py: only these; PYTEST_ADDOPTS='-m chart')
	@HELM="$$($(PYTHON) tools/fetch_helm.py)" && export HELM && $(PYTHON) -m pytest --numprocesses $(WORKERS) --dist worksteal $(TESTS)

coverage: .venv ## Run the tests and print how much of deployer/ and tools/ they run; takes twice the time
	@rm -rf build/coverage
	@HELM="$$($(PYTHON) tools/fetch_helm.py)" && export HELM && $(PYTHON) -m coverage run -m pytest --numprocesses $(WORKERS) --dist worksteal $(TESTS)
	@$(PYTHON) -m coverage combine --quiet && $(PYTHON) -m coverage report

e2e: TESTS = tests/e2e
e2e: .venv ## Test on the cluster that E2E_CONTEXT names, kubectl's current context (TESTS=tests/e2e/test_life.py: only these)
	@HELM="$$($(PYTHON) tools/fetch_helm.py)" && export HELM && $(PYTHON) -m pytest -m e2e -rs -s $(TESTS)

e2e-image: .venv ## Build, test and push an image with each engine that is here; no cluster (E2E_STAND_IN: see the tests)
	@HELM="$$($(PYTHON) tools/fetch_helm.py)" && export HELM && $(PYTHON) -m pytest -m e2e -rs tests/test_image_engines.py

bench: .venv ## Measure both engines against a tree without template syntax
	@$(PYTHON) tools/bench.py

questions: .venv ## Write cookiecutter.json, copier.yml and the pages of the questions again from questions.yaml
	@$(PYTHON) tools/write_questions.py

lock: .venv ## Write deployer/requirements.lock and those of deployer/trial/ again, for every supported Python
	@cd '<<cookiecutter.hub_name>>' && ../.venv/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header --no-annotate deployer/requirements.txt --output-file deployer/requirements.lock
	@cd '<<cookiecutter.hub_name>>/deployer/trial' && for name in node server; do ../../../.venv/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header --no-annotate $$name.txt --output-file $$name.lock || exit 1; done

pictures: .venv ## Take the pictures in docs/images/ again, from `make try` in Chromium
	@$(PYTHON) tools/take_pictures.py

sample: .venv ## Write examples/rendered/ again, which shows what a change does to the output
	@$(PYTHON) tools/write_sample.py

# This file exists only after a complete installation: an interrupted one starts again, a changed list adds to it.
# uv is faster than pip by minutes; pip knows an index that only its own configuration names.
.venv: .venv/complete
.venv/complete: tests/requirements.txt <<cookiecutter.hub_name>>/deployer/requirements.txt
	@test -e $@ || rm -rf .venv
	@echo 'Installing the Python packages of $< into .venv'
	@python3 -m venv .venv || { rm -rf .venv; echo 'python3 cannot make .venv, see above; on Debian and Ubuntu run `sudo apt install python3-venv`' >&2; exit 1; }
	@$(PIP) "$$(grep '^uv==' '<<cookiecutter.hub_name>>/deployer/requirements.txt')" && .venv/bin/uv pip install --python $(PYTHON) -r $< || $(PIP) -r $< || { rm -rf .venv; echo 'pip cannot install the packages of $<, see above. Run make again when the package index is reachable' >&2; exit 1; }
	@touch $@

.PHONY: .venv help demo lint test coverage e2e e2e-image bench lock questions sample
.DEFAULT_GOAL := help
