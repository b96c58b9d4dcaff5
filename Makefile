# What a newcomer needs: `make run`, then `make ui`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help run ui show viewer pictures backup test test-fast lint format lock definitions sample bench bench-matching bench-alerts bench-diagnosis soak bench-inference campaign spark spark-down clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	@echo "Setting up, once: 1 of 3, making .venv ..."
	@$(PYTHON) -m venv .venv
	@echo "2 of 3, installing $$(grep -c == requirements.lock) packages, one to two minutes ..."
	@{ $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock || echo FAILED; } | { \
		fetched=0; while read -r does what; do case "$$does" in \
			Collecting|Processing) fetched=$$((fetched + 1)); what=$${what##*/}; \
				test $$((fetched % 10)) -ne 0 || echo "  $$fetched fetched, now $${what%%[=; ]*}" ;; \
			Installing) echo "  all fetched, unpacking ..." ;; \
			FAILED) exit 1 ;; \
		esac; done; }
	@echo "3 of 3, installing reconcile ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(READY)

run: $(READY) ## Reconcile once and print the page (V=1 for log lines)
	@$(BIN)/reconcile run $(if $(V),-v,)

show: $(READY) ## Print the page of the last run again
	@$(BIN)/reconcile show

ui: $(READY) ## Open the Dagster UI on the same state
	@$(BIN)/reconcile ui

viewer: $(READY) ## Open the same UI for looking only
	@$(BIN)/reconcile viewer

pictures: $(READY) ## Take the screenshots of the README anew (needs chromium)
	@RECON_PICTURES=docs/images $(BIN)/python -m pytest -q -m picture reconciliation_assets_tests/deploy/test_browser.py

backup: $(READY) ## Back up the installation (TO=folder)
	@$(BIN)/reconcile backup $(or $(TO),$(error Say where to: make backup TO=/folder/that/is/not/there))

# Files go to as many processes as there are cores; a file stays in one, since its tests share what they made.
test: $(READY) ## Pass all tests, fast ones first
	@$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

test-fast: $(READY) ## Pass the fast tests only
	@$(BIN)/python -m pytest -m "not slow"

lint: $(READY) ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY) ## Put the code into form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(READY) ## Resolve the dependencies anew into requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-strip-extras \
		--no-header --no-annotate -o requirements.lock pyproject.toml

definitions: $(READY) ## Write the page of the published tables anew, of what the tables say of themselves
	@$(BIN)/python -m reconciliation_assets_tests.docs.published_tables_page

sample: $(READY) ## Write the committed sample company anew (ORDERS=500 SEED=85 TO=data/sample)
	@$(BIN)/python -m reconciliation_assets_tests.lab sample --orders $(or $(ORDERS),500) --seed $(or $(SEED),85) --out $(or $(TO),data/sample)

bench: $(READY) ## Measure the whole job on generated data (ORDERS=1000000)
	@$(BIN)/python -m reconciliation_assets_tests.lab bench --orders $(or $(ORDERS),1000000)

bench-matching: $(READY) ## Measure matching against the truth of generated companies with noise
	@$(BIN)/python -m reconciliation_assets_tests.lab bench-matching --orders $(or $(ORDERS),20000)

bench-alerts: $(READY) ## Measure how fast falls of match rates are found, and false alarms, on generated histories
	@$(BIN)/python -m reconciliation_assets_tests.lab bench-alerts --companies $(or $(COMPANIES),20)

soak: $(READY) ## Run generated days one after another with planted breaks and hold the alerts to the plan (DAYS=60)
	@RECON_SOAK_DAYS=$(or $(DAYS),60) $(BIN)/python -m pytest -q -s reconciliation_assets_tests/lab/test_soak.py

bench-diagnosis: $(READY) ## Measure the diagnosis on generated companies with and without a bottleneck
	@$(BIN)/python -m reconciliation_assets_tests.lab bench-diagnosis --companies $(or $(COMPANIES),100)

bench-inference: $(READY) ## Measure inferred links of payments without IDs (ORDERS=1000000)
	@$(BIN)/python -m reconciliation_assets_tests.lab bench-inference --orders $(or $(ORDERS),1000000)

campaign: $(READY) ## Kill, fill and rival whatever an installation does, and damage files, so long each (MINUTES=60 SEEDS=100-199)
	@CAMPAIGN_MINUTES=$(or $(MINUTES),10) CAMPAIGN_SEEDS=$(SEEDS) $(BIN)/python -m pytest -q -rP -p no:xdist \
		reconciliation_assets_tests/faults/test_campaign.py reconciliation_assets_tests/faults/test_file_campaign.py

spark: $(READY) ## Run the sample company on a Spark cluster of this machine and print the page (needs Java 17 and pyspark)
	@$(BIN)/python -m reconciliation_assets_tests.lab spark

spark-down: $(READY) ## End that cluster and remove its tables
	@$(BIN)/python -m reconciliation_assets_tests.lab spark-down

clean: ## Remove the environment and everything runs made of the sample
	@rm -rf .venv data/sample/.dagster data/sample/.lock data/sample/warehouse.duckdb* data/sample/published data/sample/reports data/sample/restricted data/sample/contact.key
