# The two commands: `make chat` talks in the terminal, `make test` checks everything.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# 2.13.0 from the registry that pip is set to; outside, TORCH_INDEX=https://download.pytorch.org/whl/cpu avoids CUDA.
TORCH := torch==2.13.0 $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))

.PHONY: chat run test bench ablation foreign encoded clean

chat: $(VENV)/.ready
	@$(BIN)/konfident chat $(if $(SHOP),--shop $(SHOP))

run: $(VENV)/.ready
	@$(BIN)/konfident run

test: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q

bench: $(VENV)/.ready
	@$(BIN)/python -m tests.bench

ablation: $(VENV)/.ready
	@$(BIN)/python -m tests.ablation

# Policies that nobody mapped, beside the mapped ones: `make foreign` (PART=heldout only for a final figure).
PART ?= dev
foreign: $(VENV)/.ready
	@mkdir -p var/foreign && rm -rf var/foreign/$(PART)
	@cp -r knowledge var/foreign/$(PART) && cp -r tests/data/foreign/$(PART)/. var/foreign/$(PART)
	@KNOWLEDGE_DIR=var/foreign/$(PART) $(BIN)/konfident eval tests/data/foreign/$(PART).jsonl
	@$(BIN)/python -m tests.maps var/foreign/$(PART)

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch $@

# After a change of the examples: their vectors anew, those of the clause wordings (that an unmapped policy needs) too,
# and the adapters that are learnt from both.
encoded: $(VENV)/.ready
	@rm -rf index/encoded/adapters-*.npz var/encoded/adapters
	@KNOWLEDGE_DIR=tests/data/foreign/dev DATA_DIR=var/encoded $(BIN)/konfident build
	@cp var/encoded/memo/queries-*.npz var/encoded/memo/wordings-*.npz var/encoded/adapters/*.npz index/encoded

clean:
	rm -rf $(VENV) var
