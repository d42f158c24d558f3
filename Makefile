# make demo | test | test-all | bench | lab | docs | clean          (make PYTHON=python3.12 demo picks the interpreter)
PYTHON ?= python3
# Installed first and by itself: reproducible and, where the package index offers one, the CPU build.
TORCH ?= torch==2.13.0
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := .venv/.ready

.PHONY: help demo test test-all bench lab docs clean
help:
	@echo "make demo   fine-tune a small encoder with growing ranks, offline, results in demo_output/"
	@echo "make test   all checks; the last line counts them"
	@echo "make test-all  the slow checks too: kills, processes, compilers, quantized bases, PEFT's own tests"
	@echo "make bench  speed and memory beside PEFT's LoRA and AdaLoRA, as ratios"
	@echo "make lab    open the notebooks in JupyterLab"
	@echo "make docs   HTML pages of the notebooks in _docs/"
	@echo "make clean  remove .venv and everything that was built"

$(READY): settings.ini setup.py pyproject.toml
	@$(PYTHON) .github/scripts/make_venv.py --force --torch "$(TORCH)"

demo: $(READY)
	@HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 TOKENIZERS_PARALLELISM=false $(BIN)/increlora_demo --overwrite

test: $(READY)
	@$(BIN)/python .github/scripts/test.py

test-all: $(READY)
	@$(BIN)/python .github/scripts/test.py --all

bench: $(READY)
	@$(BIN)/python -m increlora.bench

lab: $(READY)
	@$(BIN)/jupyter lab nbs

docs: $(READY)
	@$(BIN)/python .github/scripts/docs.py

clean:
	rm -rf .venv _docs _proc build dist demo_output *.egg-info .ruff_cache
