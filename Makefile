# Transformer Lab: `make help` lists the commands.
PY ?= python3
BIN := .venv/bin

.PHONY: help book test lab serve execute bench clean

help:           ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

book:           ## build the website (makes .venv first)
	$(BIN)/jupyter-book build . -W -n --keep-going -q
