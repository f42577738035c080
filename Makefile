# Everything a person types at uHub's checkout; `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STATE_DIR ?= .state
ARGS ?=
SIDE_BY_SIDE ?= 2
export STATE_DIR
export PATH := $(CURDIR)/$(BIN):$(PATH)
export NODE_USE_SYSTEM_CA := 1
export npm_config_fetch_retries := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

SOURCES := $(wildcard config portal provisioning projects incidents billing audit integrations)
CATALOGUE := portal/locale/fr/LC_MESSAGES/django
FRONTEND := $(shell find portal/frontend templates -type f 2>/dev/null) vite.config.js
STATIC := $(shell find $(SOURCES) -path '*/static/*' -type f 2>/dev/null)
SERVICES := $(BIN)/python -m config.local.testing --
TOOL_SETTINGS := DJANGO_SETTINGS_MODULE=config.settings.mypy

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PORT (8000), SIMULATOR_PORT (8006) and STATE_DIR (.state) let two demos run side by side;"
	@echo "  ARGS is passed on: make test ARGS='tests/portal -x', make bench ARGS='--json FILE'."
	@echo "  Tests run in SIDE_BY_SIDE (2) processes, each with a database and a simulator of its own; 0 is one."

# --- the machine -------------------------------------------------------------------------------

$(VENV)/.made:
	@sh deploy/local/venv.sh $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.lock | $(VENV)/.made
	@echo "installing locked dependencies"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.development: requirements-dev.lock | $(VENV)/.made
	@echo "installing locked dependencies, tools included"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.runtime

$(VENV)/.node: requirements-build.lock | $(VENV)/.made
	@if node -e 'process.exit(+process.versions.node.split(".")[0] < 22)' 2>/dev/null \
	    && npm --version >/dev/null 2>&1; then :; else \
	  echo "installing Node for the asset build"; \
	  $(BIN)/python -m pip install -q --require-hashes -r requirements-build.lock; fi
	@touch $@

node_modules/.made: package.json package-lock.json .npmrc | $(VENV)/.node
	@echo "installing front-end packages"
	@npm ci --silent
	@touch $@

dist/manifest.json: $(FRONTEND) node_modules/.made
	@echo "building front-end assets"
	@npm run build --silent -- --logLevel warn
	@touch $@

staticfiles/.made: dist/manifest.json $(STATIC)
	@echo "collecting static files"
	@$(TOOL_SETTINGS) $(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@touch $@

$(CATALOGUE).mo: $(CATALOGUE).po | $(VENV)/.runtime
	@$(TOOL_SETTINGS) $(BIN)/python manage.py messages --compile

.PHONY: assets
assets: staticfiles/.made $(CATALOGUE).mo

.PHONY: packages
packages:
	@sh deploy/local/packages.sh chromium pdns-server pdns-backend-sqlite3

# --- running -----------------------------------------------------------------------------------

.PHONY: demo dev clean
demo: $(VENV)/.runtime ## uHub with everything it needs, in the foreground; Ctrl-C ends it
	@$(MAKE) --no-print-directory assets
	@exec $(BIN)/python -m config.local.demo

dev: $(VENV)/.development ## the same, restarting on changes
	@$(MAKE) --no-print-directory assets
	@exec $(BIN)/python -m config.local.demo --reload

clean: ## end the demo and remove its state
	@if [ -e $(VENV)/.runtime ]; then $(BIN)/python -m config.local.clean; \
	elif [ -e "$(STATE_DIR)/secrets" ]; then rm -rf "$(STATE_DIR)"; fi

# --- proving -----------------------------------------------------------------------------------

.PHONY: test check lint bench soak screenshots
test: $(VENV)/.development packages ## the whole suite on a real PostgreSQL, broker and browser
	@$(MAKE) --no-print-directory assets
	@$(SERVICES) $(BIN)/python -m pytest -n $(SIDE_BY_SIDE) --dist worksteal $(ARGS)

lint: $(VENV)/.development ## the fast part of check: format, lint, imports
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports

.PHONY: messages
messages: $(VENV)/.development ## the French catalogue, brought up to what code and templates say
	@$(TOOL_SETTINGS) $(BIN)/python manage.py messages

check: lint ## lint, types, templates, translations, migrations, deployment settings, API schema
	@$(MAKE) --no-print-directory assets
	$(TOOL_SETTINGS) $(BIN)/mypy $(SOURCES)
	$(BIN)/djlint templates --lint --quiet
	node node_modules/htmx.org/dist/scripts/upgrade-check.js templates
	$(TOOL_SETTINGS) $(BIN)/python manage.py messages --check
	@$(SERVICES) $(MAKE) --no-print-directory check-django

.PHONY: check-django
check-django:
	$(BIN)/python manage.py makemigrations --check --dry-run --verbosity 0
	$(BIN)/python manage.py lintmigrations --database owner --sql-analyser postgresql \
	  --ignore-initial-migrations --include-apps $(filter-out config,$(SOURCES)) \
	  --quiet ok ignore --no-cache
	DJANGO_SETTINGS_MODULE=config.settings.prod ALLOWED_HOSTS=uhub.example \
	  $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

bench: $(VENV)/.development ## measurements beside their yardsticks
	@$(MAKE) --no-print-directory assets
	@$(SERVICES) $(BIN)/python -m tests.bench $(ARGS)

soak: $(VENV)/.development packages ## the long chaos, load and real-scale suites
	@$(MAKE) --no-print-directory assets
	@$(SERVICES) $(BIN)/python -m pytest -m soak $(ARGS)

screenshots: $(VENV)/.development packages ## a picture of every page, into screenshots/
	@$(MAKE) --no-print-directory assets
	@$(SERVICES) $(BIN)/python -m pytest -m screenshots $(ARGS)

# --- shipping ----------------------------------------------------------------------------------

.PHONY: build
build: $(VENV)/.runtime ## front-end assets and the wheel, into build/wheel
	@$(MAKE) --no-print-directory assets
	@$(BIN)/python -m pip wheel -q --no-deps --wheel-dir build/wheel .
	@ls build/wheel
