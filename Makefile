# Transformer Lab. `make help` lists the commands; each installs what it needs first.
PY ?= python3
PORT ?= 8000
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
# What a reader gives reaches the shell as a variable: no sign in it is a command.
export PORT N NAME JOBS
# A deprecation in a frozen dependency must not look like a fault of the book.
BUILD := PYTHONWARNINGS=ignore $(BIN)/jupyter-book build . -W -n --keep-going -q

.PHONY: help book test work lab serve slides sheet pdf online site-zip execute chapter renumber study bench kernels zips mutants clean

help:           ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1	\2/p' Makefile | expand -t 18

setup-%:
	@command -v $(PY) > /dev/null || { echo "Transformer Lab: no $(PY) was found; install Python 3.11 or newer."; exit 1; }
	@LAB_GOAL=$(MAKECMDGOALS) $(PY) tools/setup.py $*

book: setup-site ## build the website, strictly, into _build/html
	@$(BUILD) > /dev/null || { echo "Transformer Lab: the build stopped at the warnings above; each is a fault to mend."; exit 1; }
	@echo "The book is built. Open  $(CURDIR)/_build/html/index.html"
	@echo "Next: \`make serve\` shows it at http://127.0.0.1:$$PORT/, \`make lab\` opens the chapters to run and change."

test: setup-test ## everything that CI checks
	$(BIN)/ruff check .
	PYTHONPATH=.:book $(BIN)/lint-imports
	$(BIN)/node --test "tests/js/*.test.js"
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

work:           ## a copy of the chapters to work in (folder work); made again, it keeps what you wrote
	@$(PY) tools/work.py

lab: setup-book ## open that copy in JupyterLab; EDIT=1 opens the book's own chapters
	@$(if $(EDIT),,$(PY) tools/work.py)
	@$(BIN)/python tools/trust.py $(if $(EDIT),book,work)/[0-9]*.ipynb
	$(BIN)/jupyter lab --notebook-dir=$(if $(EDIT),book,work) \
	  --FileContentsManager.pre_save_hook=transformer_lab.widgets.saving.keep_stills

serve:          ## show the built pages on this machine (PORT=8000)
	@$(PY) tools/serve.py "$$PORT"

slides: book    ## slides of a chapter, one file that works offline (N=01)
	@$(BIN)/python tools/handouts/slides.py "$$N"

sheet: book     ## a chapter's exercises without solutions, to print (N=01)
	@$(BIN)/python tools/handouts/sheet.py "$$N"

pdf: book       ## a chapter as a PDF (N=01), or the whole book
	@$(BIN)/python tools/handouts/pdf.py $${N:+"$$N"}

online: setup-site ## the cell that fetches the book on Colab, from lab_repository in _config.yml
	@$(BIN)/python tools/online.py

site-zip: book  ## the built pages as a zip, to read without a network
	@$(BIN)/python tools/site_zip.py

execute: setup-book ## re-run the chapters that changed; ALL=1 re-runs all
	$(BIN)/python tools/execute.py $(if $(ALL),--all)

chapter: setup-book ## lay a new chapter that keeps the rules (N=09 NAME=slug)
	@PYTHONPATH=.:book $(BIN)/python tools/new_chapter.py "$$N" "$$NAME"

renumber: setup-book ## number the chapters by their order in _toc.yml (DRY=1 only says what)
	@$(BIN)/python tools/renumber.py $(if $(DRY),--dry-run)

study: setup-book ## list the studies; NAME=... makes one (JOBS=1)
	@$(BIN)/transformer-lab study $${NAME:+"$$NAME"} --jobs "$${JOBS:-1}"

bench: setup-test ## measure speed against the peers (a quarter of an hour)
	$(BIN)/python tools/bench.py
	$(BIN)/python tools/bench_models.py
	$(BIN)/python tools/bench_two_cores.py

kernels: setup-test ## run chapters and numeric tests under other processors' kernels
	$(BIN)/python tools/kernels.py

zips: setup-test ## run the zip of each chapter elsewhere, on what is in it alone
	$(BIN)/python tools/zips.py

mutants: setup-test ## plant bugs, and say which test or claim sees each
	$(BIN)/python tools/mutants.py

clean:          ## remove what was built (not .venv)
	rm -rf _build _build.lock .pytest_cache .ruff_cache .import_linter_cache
