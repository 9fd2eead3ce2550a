# Jiebang. `make help` lists the commands. Set-up needs git, make, any Python 3 with pip, and a package registry.
.DEFAULT_GOAL := help
SHELL := /bin/bash
APP  := .venvs/app/bin/python
RASA := .venvs/rasa/bin/python
export PYTHONPATH := $(CURDIR)

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: setup
setup: ## install what is missing: environments, web build, secrets
	@python3 tools/setup.py
	@$(APP) -m tools.secrets >/dev/null

.PHONY: train
train: setup ## train the model when data, domain, configuration or brain changed (FAST=1: the frozen recipe, without the tuned layers)
	@$(APP) -m tools.train

.PHONY: tune
tune: setup ## tune the encoder from nothing and keep the layers in brain/tuned, to be committed (8 to 40 minutes; after many new sentences)
	@WRITE_CHECKPOINT=1 $(APP) -m tools.train --force

.PHONY: readings
readings: setup ## read the sentences anew with the layers in brain/tuned and keep that beside them (after a change of the spelling or the normaliser)
	@WRITE_CHECKPOINT=readings $(APP) -m tools.train --force

.PHONY: run
run: train ## start everything on embedded defaults, with the sandbox; Ctrl-C stops all of it
	@JIEBANG_SANDBOX=$${JIEBANG_SANDBOX-1} exec $(APP) -m tools.stack

.PHONY: chat
chat: ## talk to the running assistant in this terminal (ACCOUNT=demo-zh)
	@$(APP) -m tools.chat

.PHONY: test
test: train ## every test; REQUIRE_SERVICES=1 turns skips into failures
	@$(APP) -m tools.check

.PHONY: lint
lint: setup ## style, types, and the project's own rules
	@$(APP) -m tools.check lint

.PHONY: lock
lock: setup ## compile the two groups of pyproject.toml to hashed requirement files
	@for group in app:3.12 rasa:3.10; do \
	  .tools/uv/bin/uv pip compile pyproject.toml --group $${group%%:*} --python-version $${group##*:} --universal --generate-hashes \
	    --custom-compile-command "make lock" --quiet -o requirements/$${group%%:*}.txt || exit 1; done

.PHONY: bench
bench: train ## measure: understanding, turns, start-up, memory
	@$(APP) -m bench

.PHONY: annotate
annotate: setup ## mark the names in the training sentences, as the extractor finds them
	@$(RASA) -m tools.annotate

.PHONY: cluster
cluster: train ## two of each process on PostgreSQL and Redis, behind nginx where it is installed; Ctrl-C stops all of it
	@$(APP) -m tools.cluster

.PHONY: torture
torture: setup ## campaigns against binding: crashes, repeats, guesses (SCALE=short|full)
	@$(APP) -m bench.torture

.PHONY: review
review: setup ## write what supervisors labelled at the desk to data/review, ready to be read and committed
	@$(APP) -m tools.review
	@if [ -d data/review ]; then $(RASA) -m tools.annotate; fi
