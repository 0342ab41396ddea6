# `make demo` and `make test` are the two commands of the README; each prepares .venv if needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
DEMO ?= runs/demo

.PHONY: demo test lint bench gallery clean

demo: $(READY)
	$(BIN)/vrs-bench demo --out $(DEMO)

test: $(READY)
	$(BIN)/python -m pytest -n 2 -q

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python benchmarks/generate.py
	$(BIN)/python benchmarks/products.py
	$(BIN)/python benchmarks/load.py
	$(BIN)/python benchmarks/evaluate.py
	$(BIN)/python benchmarks/perceptual.py
	$(BIN)/python benchmarks/classifier.py
	$(BIN)/python benchmarks/libraries.py
	$(BIN)/python benchmarks/cluster.py

# The pictures of the README, from really generated scenes.
gallery: $(READY)
	$(BIN)/vrs-bench show toy --scene 3 --step 10 --out docs/gallery/scene.png
	$(BIN)/vrs-bench show toy --scene 3 --step 10 --view stages --out docs/gallery/stages-super_res.png
	$(BIN)/vrs-bench show toy --scene 3 --step 10 --view stages --task cloud_removal --out docs/gallery/stages-cloud_removal.png
	$(BIN)/vrs-bench show tiny --scene 2 --view animation --task cloud_removal --out docs/gallery/year.gif
	$(BIN)/vrs-bench show toy --view signatures --out docs/gallery/signatures.png
	$(BIN)/vrs-bench show toy --view texture --out docs/gallery/texture.png

# The environment is exactly constraints.txt: the versions that were tested together.
$(READY): pyproject.toml constraints.txt Makefile
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[baselines,dev,evaluation,ray,uea]'
	touch $(READY)

clean:
	rm -rf runs .pytest_cache .mypy_cache .ruff_cache dist
