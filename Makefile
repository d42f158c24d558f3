# make demo | test | test-all | bench | lab | docs | lock | latest | lowest | clean     (make PYTHON=python3.12 demo picks the interpreter)
PYTHON ?= python3
# another PyTorch than the locked one, e.g. make TORCH=torch==2.13.0 latest
TORCH ?=
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := .venv/.ready
VENV := $(PYTHON) .github/scripts/make_venv.py $(if $(TORCH),--torch "$(TORCH)")

.PHONY: help demo test test-all bench lab docs lock latest lowest clean
help:
	@echo "make demo   fine-tune a real encoder with growing ranks (offline: an embedded one), results in demo_output/"
	@echo "make test   all checks; the last line counts them"
	@echo "make test-all  the slow checks too: kills, processes, compilers, quantized bases, PEFT's own tests"
	@echo "make bench  speed and memory beside PEFT's LoRA and AdaLoRA, as ratios"
	@echo "make lab    open the notebooks in JupyterLab"
	@echo "make docs   HTML pages of the notebooks in _docs/"
	@echo "make lock   resolve constraints.txt anew: the versions that all of the above install"
	@echo "make latest the tests with the newest versions, without the lock, in .venv-latest"
	@echo "make lowest the tests with the oldest versions that settings.ini allows, in .venv-lowest"
	@echo "make clean  remove the environments and everything that was built"

$(READY): settings.ini setup.py pyproject.toml constraints.txt
	@$(VENV) --force

demo: $(READY)
	@TOKENIZERS_PARALLELISM=false $(BIN)/increlora demo --overwrite

test: $(READY)
	@$(BIN)/python .github/scripts/test.py

test-all: $(READY)
	@$(BIN)/python .github/scripts/test.py --all

bench: $(READY)
	@$(BIN)/increlora bench

lab: $(READY)
	@$(BIN)/jupyter lab nbs

docs: $(READY)
	@$(BIN)/python .github/scripts/docs.py

lock:
	@$(PYTHON) .github/scripts/lock.py

latest lowest:
	@$(VENV) --$@
	@$(subst .venv,.venv-$@,$(BIN))/python .github/scripts/test.py tests

clean:
	rm -rf .venv .venv-latest .venv-lowest _docs _proc build dist demo_output *.egg-info .ruff_cache .mypy_cache
