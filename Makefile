# The commands of this project. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run up provenance preview calibrate import-rollouts import-review check-prompts test test-trainers chaos bench lint lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# exec: a signal for the recipe reaches the program itself.
run: $(INSTALLED) ## Convert CORPUS into OUT (variables: CORPUS OUT LIMIT WORK LLM_BASE_URL LLM_MODEL LLM_API_KEY LLM_REVISION WEBSCALE_RL_TOKENIZER)
	@exec $(BIN)/python -m webscale_rl.local run

up: $(INSTALLED) ## Start the same stack with the web UI on 127.0.0.1:8080 (UI_PORT), until Ctrl-C
	@exec $(BIN)/python -m webscale_rl.local up

provenance: $(INSTALLED) ## Print everything that a pair came from (variables: ID WORK)
	@exec $(BIN)/python -m webscale_rl.local provenance

preview: $(INSTALLED) ## Print the prompts of a document (variables: DOC ROW PART STAGE DOMAIN FORM LLM_BASE_URL LLM_MODEL LLM_API_KEY)
	@exec $(BIN)/python -m webscale_rl.preview

calibrate: $(INSTALLED) ## Measure every stage on labelled items (variables: ITEMS OUT WORK LLM_BASE_URL LLM_MODEL LLM_API_KEY LLM_REVISION CHECKER_... SECOND_SOLVER_...)
	@exec $(BIN)/python -m webscale_rl.local calibrate

import-rollouts: $(INSTALLED) ## Import a trainer's rollouts as attempts at pairs (variables: FILE SOLVER TEMPERATURE WORK)
	@exec $(BIN)/python -m webscale_rl.difficulty.rollouts "$(FILE)" --solver "$(or $(SOLVER),trainer)" \
		$(if $(TEMPERATURE),--temperature "$(TEMPERATURE)")

import-review: $(INSTALLED) ## Import verdicts of people on pairs as marks (variables: FILE REVIEWER WORK)
	@exec $(BIN)/python -m webscale_rl.release.review "$(FILE)" --reviewer "$(or $(REVIEWER),reviewer)"

check-prompts: $(INSTALLED) ## Check the demonstrations in include/webscale_rl/prompts/demonstrations
	@$(BIN)/python -m webscale_rl.stages.check_prompts

test: $(INSTALLED) ## Run the whole test suite
	$(BIN)/python -m pytest

test-trainers: $(INSTALLED) ## Load a small release with trainers' own code, in environments below .bench (variables: ONLY NEMO_RL)
	@NEMO_RL="$(NEMO_RL)" $(BIN)/python tests/trainers/run_all.py $(ONLY)

bench: $(INSTALLED) ## Measure this project beside others on a simulated endpoint (variables: ROUNDS REQUESTS CONCURRENCY JOB OUT)
	$(BIN)/python bench/run_all.py $(or $(OUT),out)/bench.json --rounds $(or $(ROUNDS),3) \
		--requests $(or $(REQUESTS),2048) --concurrency $(or $(CONCURRENCY),64 256) --job $(or $(JOB),single)

chaos: $(INSTALLED) ## Kill workers, PostgreSQL and endpoint at random until a corpus is done (variables: KILLS SEED)
	@exec $(BIN)/python -m tests.faults.chaos

lint: $(INSTALLED) ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: $(INSTALLED) ## Resolve requirements.in into requirements.txt anew
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-header \
		requirements.in -o requirements.txt

clean: ## Remove WORK, the virtual environment and caches; OUT stays
	@if [ -f $(INSTALLED) ]; then $(BIN)/python -m webscale_rl.local clean; fi
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

# uv installs in seconds what takes pip minutes. Like pip it asks the registry that pip is configured for.
$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@echo "installing into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "$(PYTHON) cannot make virtual environments: install its venv module (python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[^ ;]*' requirements.txt)"
	@index="$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}"; \
		if [ -n "$$index" ] && [ -z "$$UV_DEFAULT_INDEX" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
		$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	@$(BIN)/python -c 'import os, pathlib, sysconfig; \
		pathlib.Path(sysconfig.get_path("purelib"), "webscale_rl.pth").write_text(os.path.abspath("include") + "\n")'
	@touch $(INSTALLED)
