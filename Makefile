# Every command that this project has. `make` alone lists them.

TARGET := $(or $(CARGO_TARGET_DIR),target)
PYTHON ?= python3
INSTALL := $(PYTHON) tests/e2e/install.py
PYTEST := .venv/bin/python -m pytest tests/e2e
E2E := TEST_BINARY=$(abspath $(TARGET))/debug/maia TEST_RUST_CLIENT=$(abspath $(TARGET))/e2e/debug/maia-e2e-async-openai PATH="$(CURDIR)/.venv/bin:$$PATH"
DRILLS := kill power_cut full_disk read_only clock log_growth

.DEFAULT_GOAL := help
# The recipes share one build folder and one machine.
.NOTPARALLEL:
.PHONY: help demo test e2e drill drill-wire check run bench-proxy bench-peers bench-store bench-cache bench-extract eval-recall eval-extract release fmt clean need-rust need-python

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: need-rust need-python ## Hold two conversations with a real model, and show what maia remembers
	@# What is missing shows before the long build.
	@$(INSTALL) openai
	@$(MAKE) --no-print-directory release
	@exec .venv/bin/python tests/demo/demo.py --binary $(TARGET)/release/maia

test: check ## Run every check and every test
	cargo test --locked
	@$(MAKE) --no-print-directory e2e

e2e: need-rust need-python ## Run real clients and judges through maia, before scripted and real backends
	@# What is missing shows before the long build.
	@$(INSTALL)
	cargo build --locked
	cargo build --locked --manifest-path tests/e2e/rust/Cargo.toml --target-dir $(TARGET)/e2e
	@# The next major version of the official package, which needs the same from maia.
	$(E2E) PYTHONPATH=.venv/openai3 $(PYTEST)/test_openai.py
	cd tests/e2e/node && $(E2E) npm test
	$(E2E) $(PYTEST)

drill-wire: need-rust ## Run the tests of memory and of clients that leave with sixteen times the load
	TEST_SCALE=16 cargo test --locked --test it -- memory_use:: cancellation::

check: need-rust ## Check formatting, lints and documentation
	cargo fmt --check
	cargo fmt --check --manifest-path tests/e2e/rust/Cargo.toml
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked

run: need-rust ## Start maia; ARGS="--config config.yaml" passes options on
	cargo run --release --locked -- serve $(ARGS)

bench-proxy: release need-python ## Measure what maia adds to a request, beside nginx; ARGS=--quick takes a minute
	$(PYTHON) benches/bench_proxy.py --maia $(TARGET)/release/maia $(ARGS)

bench-peers: need-rust need-python ## Install other gateways for bench-proxy to measure beside maia
	$(PYTHON) benches/peers.py

bench-store: need-rust ## Measure the store at 10k, 100k and 1M memories; ARGS=--quick leaves out 1M
	cargo bench --locked --bench store -- $(ARGS)

bench-cache: need-rust need-python ## Measure what memory costs a backend that keeps prompts, with a real model
	@$(INSTALL) openai model
	cargo build --locked
	.venv/bin/python benches/bench_cache.py --maia $(TARGET)/debug/maia $(ARGS)

bench-extract: need-rust ## Measure how long extraction takes for an exchange
	cargo bench --locked --bench extract

drill: release need-python ## Cut the power, fill the disk and the like; some need root. ONLY="clock kill" picks
	@failed=0; for drill in $(or $(ONLY),$(DRILLS)); do $(PYTHON) tests/drill/$$drill.py --maia $(TARGET)/release/maia || failed=1; done; exit $$failed

eval-recall: release need-python ## Measure recall; DATA=conversations.json in the form of LoCoMo
	@test -n "$(DATA)" || { echo "error: name the conversations, in the form of LoCoMo: make eval-recall DATA=locomo.json" >&2; exit 1; }
	$(PYTHON) benches/eval_recall.py --data "$(DATA)" --maia $(TARGET)/release/maia

eval-extract: release need-python ## Measure extraction; DATA="locomo.json persona.jsonl" adds conversations
	$(PYTHON) benches/eval_extract.py --maia $(TARGET)/release/maia $(DATA)

release: need-rust ## Build the optimised binary, target/release/maia
	cargo build --release --locked

fmt: need-rust ## Format the source
	cargo fmt
	cargo fmt --manifest-path tests/e2e/rust/Cargo.toml

clean: need-rust ## Remove everything that was built or installed here
	cargo clean
	rm -rf .venv tests/e2e/node/node_modules tests/e2e/.pytest_cache
	find tests -name __pycache__ -prune -exec rm -rf {} +

need-rust:
	@command -v cargo >/dev/null || { echo "error: cargo was not found. Install Rust: https://rustup.rs" >&2; exit 1; }
	@command -v "$(CC)" >/dev/null || { echo "error: no C compiler (cc) was found; the SQLite inside maia is C. On Debian and Ubuntu: apt-get install gcc libc6-dev" >&2; exit 1; }

need-python:
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) was not found; Python 3.10 or newer runs the demo, and 3.11 the end-to-end tests." >&2; exit 1; }
