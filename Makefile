# `make demo` and `make test` are the two commands of the README; each prepares .venv if needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
DEMO ?= runs/demo
RESCORED ?= runs/rescored
SITE ?= runs/site

OLDEST := .venv-oldest
# A fast part of the tests that needs neither torch nor Ray.
OLDEST_TESTS := tests/world tests/sensors tests/test_recipes.py tests/test_repository.py \
	tests/data/test_arrow.py tests/data/test_build.py tests/data/test_geotiff.py \
	tests/data/test_load_dataset.py \
	tests/data/test_private.py tests/data/test_products.py tests/data/test_values.py \
	tests/metrics/test_correctness.py tests/metrics/test_downstream.py \
	tests/metrics/test_original_definitions.py tests/evaluation/test_slices.py \
	tests/evaluation/test_paired.py tests/evaluation/test_statistics.py \
	tests/leaderboard/test_ranking.py

.PHONY: demo examples entries rescore site site-check test test-oldest lint bench gallery clean

# The demo, and then the kept entries against what it has predicted. Not the U-Net: its training ends
# a rounding apart on another machine, and its scores too.
demo: $(READY)
	$(BIN)/vrs-bench demo --out $(DEMO)
	$(MAKE) rescore RESCORED=$(DEMO)

# Kept entries of size tiny, scored again from predictions that are made anew: copies of them,
# for a stamp has a date.
rescore: $(READY)
	test -d $(RESCORED)/vrs-toy || $(BIN)/vrs-bench build super_res --size tiny --out $(RESCORED)/vrs-toy
	for of in nearest-neighbour:nearest bicubic:bicubic; do \
		test -d $(RESCORED)/predictions/super_res/$${of%:*} || $(BIN)/vrs-bench predict \
		--method $${of#*:} --data $(RESCORED)/vrs-toy \
		--out $(RESCORED)/predictions/super_res/$${of%:*} || exit 1; done
	rm -rf $(RESCORED)/kept && cp -r submissions $(RESCORED)/kept
	for name in nearest-neighbour bicubic; do $(BIN)/vrs-bench verify-entry --regenerated \
		$(RESCORED)/kept/super_res/tiny/$$name.json \
		--predictions $(RESCORED)/predictions/super_res/$$name \
		--data $(RESCORED)/vrs-toy || exit 1; done

# The static site of the kept entries and of this checkout's documents.
site: $(READY)
	$(BIN)/vrs-bench leaderboard --site $(SITE) --sweeps sweeps

# The worked examples again, with what they print.
examples: $(READY)
	$(BIN)/python docs/examples/run.py

# Its script in a real Chromium, which has to be there.
site-check: $(READY)
	$(BIN)/python -m pytest -q tests/site/browser.py

# The kept entries of size tiny again, by the demo, and the tables that show them.
entries: $(READY)
	$(BIN)/vrs-bench demo --out $(DEMO)
	cp -r $(DEMO)/submissions/. submissions
	$(BIN)/vrs-bench leaderboard

test: $(READY)
	$(BIN)/python -m pytest -n 2 -q

# The same with the oldest versions that pyproject.toml allows.
test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest -n 2 -q $(OLDEST_TESTS)
	$(OLDEST)/bin/python -m pytest -n 2 -q tests/test_cli.py -k "help or usage"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python benchmarks/generate.py
	$(BIN)/python benchmarks/building.py
	$(BIN)/python benchmarks/products.py
	$(BIN)/python benchmarks/load.py
	$(BIN)/python benchmarks/evaluate.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/perceptual.py
	$(BIN)/python benchmarks/readers.py
	$(BIN)/python benchmarks/intervals.py
	$(BIN)/python benchmarks/realism.py
	$(BIN)/python benchmarks/libraries.py
	$(BIN)/python benchmarks/cluster.py
	$(BIN)/python benchmarks/attacks.py
	$(BIN)/python benchmarks/difficulty.py

# The pictures of the README, from really generated scenes.
gallery: $(READY)
	$(BIN)/vrs-bench show toy --scene 3 --step 10 --out docs/gallery/scene.png
	$(BIN)/vrs-bench show toy --scene 3 --step 10 --view stages --out docs/gallery/stages-super_res.png
	$(BIN)/vrs-bench show toy --scene 3 --view stages --task cloud_removal --out docs/gallery/stages-cloud_removal.png
	$(BIN)/vrs-bench show tiny --scene 2 --view animation --task cloud_removal --out docs/gallery/year.gif
	$(BIN)/vrs-bench show toy --view signatures --out docs/gallery/signatures.png
	$(BIN)/vrs-bench show toy --view texture --out docs/gallery/texture.png
	$(BIN)/vrs-bench sweep super_res --knob read_noise --method bicubic --method map-all-dates --matrix --out runs/sweep
	cp runs/sweep/curves-read_noise.png docs/gallery/sweep-read_noise.png
	cp runs/sweep/matrix-read_noise.png docs/gallery/sweep-matrix.png

# The environment is exactly constraints.txt: the versions that were tested together.
$(READY): pyproject.toml constraints.txt Makefile
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[baselines,dev,evaluation,geo,methods,ray,uea]'
	touch $(READY)

$(OLDEST)/.installed: pyproject.toml constraints-oldest.txt Makefile
	test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-oldest.txt \
		-e '.[geo,uea]' scikit-learn hypothesis jsonschema psutil pytest pytest-xdist scikit-image
	touch $(OLDEST)/.installed

clean:
	rm -rf runs .pytest_cache .mypy_cache .ruff_cache dist
