# All that a newcomer needs: make serve, make test. Also: lint, evaluate, bench, model, setup, clean.
SHELL := /bin/sh
UV = $(shell command -v uv 2>/dev/null || echo var/tools/bin/uv)
BIN := .venv/bin

.PHONY: serve test lint evaluate bench model setup clean
.DEFAULT_GOAL := serve

serve: .venv/.synced  ## set up what is missing, then serve until Ctrl-C
	@$(MAKE) --no-print-directory bot/runtime/.venv/.synced || echo "没有 Rasa 也能回答，只是听不懂复杂的说法；装好后重新运行 make serve 即可。"
	@exec $(BIN)/bangban serve

test: setup  ## every test; those that need what is missing say so
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --no-loadscope-reorder

lint: setup  ## style, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

evaluate: setup  ## how often answers are right, on the questions kept for looking at
	$(BIN)/bangban evaluate

bench: setup  ## measurements, each beside its baseline
	$(BIN)/python -m benchmarks

# Training has an environment of its own: it needs torch, and serving does not.
# Huge pages: without them the kernel spends as much time on memory as training does on arithmetic.
model: | var/tools/.uv  ## make the shipped encoder anew from knowledge/everyday.jsonl
	UV_PROJECT_ENVIRONMENT="$(abspath var/training)" THP_MEM_ALLOC_ENABLE=1 \
	  $(UV) run --frozen --no-default-groups --extra training python -m index.training

setup: .venv/.synced bot/runtime/.venv/.synced

.venv/.synced: pyproject.toml uv.lock | var/tools/.uv
	@echo "准备应用环境（第一次要下载，请稍候）……"
	@$(UV) sync --quiet --frozen
	@touch $@

bot/runtime/.venv/.synced: bot/runtime/pyproject.toml bot/runtime/uv.lock | var/tools/.uv
	@echo "准备 Rasa 环境（第一次要下载约 1 GB，请稍候）……"
	@UV="$(abspath $(UV))" sh bot/runtime/setup.sh
	@touch $@

# uv is brought into var/tools where the machine has none.
var/tools/.uv:
	@mkdir -p var/tools
	@command -v uv >/dev/null 2>&1 || { echo "没有找到 uv，用 pip 装到 var/tools ……"; \
	  python3 -m venv var/tools && var/tools/bin/pip install --quiet uv; } || \
	  { echo "装不上 uv。请先安装 Python 3.11 以上（含 venv）或自行安装 uv，再试一次。" >&2; exit 1; }
	@touch $@

clean:  ## remove what was built; keeps var/bangban.db
	rm -rf .venv bot/runtime/.venv var/rasa var/index var/tools var/training
