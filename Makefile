# make STACK=prod ARGS='--diff' OVERLAY=mine.yaml preview
# Without STACK: dev; for a plan against another revision, all stacks.
STACK ?=
OVERLAY ?=
OUT ?= rendered/$(STACK)
export STACK OVERLAY OUT
unexport PYTHONDONTWRITEBYTECODE

PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help adopt upgrade preview up smoke try key access secrets destroy recover repair plan render config local-down test e2e check fmt docs setup

help: ## Show this list
	@python3 -I tools/engine/make_help.py $(MAKEFILE_LIST)

preview: setup ## Show what `up` would create or change
	@$(PYTHON) -m tools.cli preview $(ARGS)

up: setup ## Create or change the stack, wait until the gateway answers, and pass the gate
	@$(PYTHON) -m tools.cli up $(ARGS)

smoke: setup ## Pass the gate alone: is the gateway the one that the stack file describes?
	@$(PYTHON) -m tools.cli smoke $(ARGS)

MODEL ?=
PROMPT ?=
export MODEL PROMPT
try: setup ## Ask the gateway, and show the answer as it comes: [MODEL= PROMPT=]
	@$(PYTHON) -m tools.cli try $(ARGS)

key: setup ## Print the master key, from Vault or AWS: $(make -s key STACK=dev)
	@$(PYTHON) -m tools.cli key $(ARGS)

access: setup ## Show who may do what, what is spent and left, and what differs from the stack file
	@$(PYTHON) -m tools.cli access $(ARGS)

secrets: setup ## Show every credential, and whether store, Secrets and pods agree: ARGS=--json
	@$(PYTHON) -m tools.cli secrets $(ARGS)

destroy: setup ## Delete the stack; its salt key stays in the store, and what others may use where it is
	@$(PYTHON) -m tools.cli destroy $(ARGS)

recover: setup ## After an `up` that was killed: lift its lock, bring the state up to date
	@$(PYTHON) -m tools.cli recover $(ARGS)

repair: setup ## After the operator was taken away from the cluster: bring it back, the stack, and what others had
	@$(PYTHON) -m tools.cli repair $(ARGS)

plan: setup ## Show the stack's resources offline: no cluster, no Vault, no Pulumi CLI
	@$(PYTHON) -m tools.cli plan $(ARGS)

render: setup ## Write the stack's Kubernetes objects for Argo CD into OUT, offline (docs/gitops.md)
	@$(PYTHON) -m tools.cli render $(ARGS)

config: setup ## Run `pulumi config`: ARGS='set --secret --path litellm:providerKeys.OPENAI_API_KEY'
	@$(PYTHON) -m tools.cli config $(ARGS)

local-down: setup ## Delete the cluster that `up` made on this machine
	@$(PYTHON) -m tools.cli local-down

test: check ## Run `check`, then the unit and program tests
	@$(PYTHON) -m pytest -n auto $(ARGS)

# Tests beside the code that need a real Vault or engine: skipped by `test` where these are missing.
WITH_VAULT := tests/program/test_claims.py tests/program/test_aws_claims.py tests/program/test_aws_changes.py tests/unit/infra/secrets/test_vault_rights.py tests/unit/tools/engine/test_state_folder.py
e2e: setup ## Test with a real engine, cluster and Vault (KUBECONFIG, VAULT_ADDR, VAULT_TOKEN)
	@$(PYTHON) -m pytest tests/e2e $(WITH_VAULT) -m e2e $(ARGS)

# What `adopt` reads, and the commits of an upgrade: from one release of this program to the next.
FROM ?=
TO ?=
STORE ?= vault
REGION ?=
EKS_CLUSTER ?=
adopt: export FROM := $(FROM)
adopt: export STORE := $(STORE)
adopt: export REGION := $(REGION)
adopt: export EKS_CLUSTER := $(EKS_CLUSTER)
adopt: setup ## Write a stack file from the gateway you have: FROM=values.yaml|config.yaml|cluster:ns/deployment STACK=mine
	@$(PYTHON) -m tools.cli adopt $(ARGS)

upgrade: export UPGRADE_FROM = $(FROM)
upgrade: export UPGRADE_TO = $(TO)
upgrade: setup ## Test that stacks of one commit live on with another: FROM=v0.1.0 [TO=HEAD]
	@$(PYTHON) -m pytest tests/e2e/test_upgrade.py -m e2e $(ARGS)

# One environment for the life of a branch: make env-up NAME=pr-123 TTL=4h (docs/ephemeral.md). NAME and the others reach the
# commands through the environment: no shell reads them.
NAME ?=
TTL ?=
OWNER ?=
BUDGET ?=
TEMPLATE ?=
CMD ?=
export NAME TTL OWNER BUDGET TEMPLATE CMD

.PHONY: env-up env-list env-extend env-down env-reap env-url env-key env-run env-plan
env-up: setup ## Make a gateway of your own: NAME=pr-123 TTL=4h [OWNER= OVERLAY= BUDGET=]
	@$(PYTHON) -m tools.ephemeral up $(ARGS)

env-list: setup ## Show the environments of the cluster
	@$(PYTHON) -m tools.ephemeral list $(ARGS)

env-extend: setup ## Let an environment live longer: NAME=pr-123 TTL=4h
	@$(PYTHON) -m tools.ephemeral extend $(ARGS)

env-down: setup ## Remove an environment and all that belongs to it: NAME=pr-123
	@$(PYTHON) -m tools.ephemeral down $(ARGS)

env-reap: setup ## Remove every environment that has expired, and what interrupted runs left
	@$(PYTHON) -m tools.ephemeral reap $(ARGS)

env-url: setup ## Print where an environment answers: NAME=pr-123
	@$(PYTHON) -m tools.ephemeral url $(ARGS)

env-key: setup ## Print the key of an environment: NAME=pr-123
	@$(PYTHON) -m tools.ephemeral key $(ARGS)

env-run: setup ## Run CMD against an environment made for it: NAME=pr-123 CMD='pytest smoke'
	@$(PYTHON) -m tools.ephemeral run $(ARGS) "$$NAME" -- sh -c "$$CMD"

env-plan: setup ## Show offline what an environment would consist of: NAME=pr-123
	@$(PYTHON) -m tools.ephemeral plan $(ARGS)

.PHONY: bench-up bench-preview bench-plan bench-ephemeral bench-access bench-rotation bench-gateway bench-prices
bench-up: setup ## Time `up` against the same steps done by hand (bench/README.md)
	@$(PYTHON) -m bench.up $(ARGS)

bench-preview: setup ## Time a `preview` without changes against a minimal program
	@$(PYTHON) -m bench.preview $(ARGS)

bench-plan: setup ## Time the offline plan with many models and many stacks
	@$(PYTHON) -m bench.plan $(ARGS)

bench-ephemeral: setup ## Time `env-up` against the same steps by hand, and `env-down`
	@$(PYTHON) -m bench.ephemeral $(ARGS)

bench-rotation: setup ## Time rotations until all pods have the new value
	@$(PYTHON) -m bench.rotation $(ARGS)

bench-access: setup ## Time access as code with many keys, offline and against a LiteLLM
	@$(PYTHON) -m bench.access $(ARGS)

bench-gateway: setup ## Measure the gateway beside a bare LiteLLM and the charts' defaults: ARGS=--quick
	@$(PYTHON) -m bench.gateway $(ARGS)

bench-prices: setup ## Measure what each default and each switch costs (docs/performance.md)
	@$(PYTHON) -m bench.prices $(ARGS)

check: setup ## Check format, lint, types, which room imports which, and the workflows
	@$(PYTHON) -m ruff format --check --quiet .
	@$(PYTHON) -m ruff check --quiet .
	@$(PYTHON) -m pyright
	@.venv/bin/lint-imports --no-logo --cache-dir .cache/import-linter
	@$(PYTHON) -m tools.ci.lint

fmt: setup ## Format, and mend what lint can mend
	@$(PYTHON) -m ruff check --quiet --fix-only .
	@$(PYTHON) -m ruff format .

docs: setup ## Write docs/configuration.md and docs/stack.schema.json from the models
	@$(PYTHON) -m tools.reference

setup: # Make .venv what the lock file says; takes no time when it is
	@python3 -I tools/engine/bootstrap.py
