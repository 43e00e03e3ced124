# City Twin. `make demo` and `make test` need nothing but this clone, make and Python 3.11 on Debian 12.
.DEFAULT_GOAL := help
BIN := .venv/bin
SLOW := test-slow explain
CITY ?= fixtures/city
PORT ?= 8000

.PHONY: help setup setup-dev demo test test-slow equality explain trace bench-telemetry bench-load bench-api soak-api profile-api picture lint format constraints clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## install what is missing to run City Twin (system packages, .venv)
	@scripts/setup.sh run

setup-dev: ## install what the tests need besides
	@scripts/setup.sh dev

demo: setup ## start a database, load a city (CITY=anytown.osm.pbf, else a sample), serve it
	@exec $(BIN)/twin demo "$(CITY)" --port $(PORT)

test: setup setup-dev lint ## run every check and test but those that wait for minutes
	$(BIN)/pytest -n 2 -m "not slow" tests

test-slow: setup-dev ## run the tests that wait for minutes: workers and loads that are killed
	$(BIN)/pytest -n 2 -m slow tests

equality: setup-dev ## show that planner and executor answer 5,000 random documents alike (`make test` does it too, and shows less)
	$(BIN)/pytest tests/contract/test_planner.py

explain: setup-dev ## show that every filter uses its index at a million assets
	$(BIN)/python -m benchmarks.explain_filters

trace: setup-dev ## show the traces of one operation: asked for the first time, and again
	$(BIN)/python -m benchmarks.telemetry --trace

bench-telemetry: setup-dev ## measure what metrics, logs and traces cost a lookup (a minute)
	$(BIN)/python -m benchmarks.telemetry

bench-load: setup-dev ## measure loading against ogr2ogr and shp2pgsql (an hour or two; BENCH="--only first" for less)
	$(BIN)/python -m benchmarks.load --write docs/performance.md $(BENCH)

bench-api: setup-dev ## measure the API against PostGraphile, tipg and a bare handler (half an hour; BENCH="--assets 100000" for less)
	$(BIN)/python -m benchmarks.api --write docs/performance.md $(BENCH)

soak-api: setup-dev ## ask the API by 64 clients for ten minutes: no error, memory flat (BENCH="--seconds 60" for less)
	$(BIN)/python -m benchmarks.api.soak $(BENCH)

profile-api: setup-dev ## show by part where a list of 1,000 spends its time (BENCH="--question lookup" for others)
	$(BIN)/python -m benchmarks.api.profile $(BENCH)

picture: setup-dev ## draw the README's pictures of the map anew, from the real data
	TWIN_PICTURES=docs/pictures $(BIN)/pytest tests/real/test_map_picture.py

lint: setup-dev ## check style, types and the direction of imports
	scripts/npm.sh run --silent check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev ## bring the code into its style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	scripts/npm.sh run --silent format

constraints: ## renew constraints.txt from what is newest today
	scripts/constraints.sh

clean: ## stop the embedded database and remove .venv and caches; .twin stays
	-@[ ! -x $(BIN)/twin ] || [ -n "$$TWIN_DATABASE_URL" ] || $(BIN)/twin db stop
	rm -rf .venv build dist web/node_modules twin/web/static/built .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
