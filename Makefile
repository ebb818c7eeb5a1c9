# The three commands of the project; everything else is a script that they and CI call unchanged.
PYTHON ?= python3
VENV := .venv
ARGS ?=

.PHONY: setup demo test lint bench bench-scale bundle clean

setup: $(VENV)/.ready twin/view/dist/city_view.js

$(VENV)/.ready: setup.cfg pyproject.toml setup.py scripts/setup
	scripts/setup $(PYTHON)

WEB := $(shell find twin/view/web/src twin/view/web/package-lock.json twin/view/web/build.mjs -type f 2>/dev/null)
twin/view/dist/city_view.js: $(WEB)
	scripts/bundle

bundle: twin/view/dist/city_view.js

demo: setup
	$(VENV)/bin/twin demo --keep .demo $(ARGS)

test: setup
	scripts/test

lint: setup
	scripts/lint

bench: setup
	scripts/bench

bench-scale: setup
	scripts/bench newyork scale query retile frames recolour vehicles viewers

clean:
	rm -rf $(VENV) .demo twin/view/dist twin/view/web/node_modules build *.egg-info
