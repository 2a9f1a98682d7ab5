# Everything that is done with this repository. Each target installs and builds what it needs first, and nothing twice.
SHELL := /bin/bash
NPM_STAMP := node_modules/.quorate-installed
MANIFESTS := package.json package-lock.json $(wildcard packages/*/package.json)
SERVE := node packages/server/dist/programs/quorate.js serve

.PHONY: help cluster run1 run2 run3 run-test test check format build simulate bench bench-etcd mutants clean

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 20

cluster: build ## start three members on this machine; Ctrl-C stops them
	@node tools/dist/cluster.js .env1 .env2 .env3

run1: build ## start the first member (.env1), which founds the cluster
	@exec $(SERVE) --env-file .env1

run2: build ## start the second member (.env2)
	@exec $(SERVE) --env-file .env2

run3: build ## start the third member (.env3)
	@exec $(SERVE) --env-file .env3

run-test: test ## the seed's name for `make test`

test: check ## check, then run every test; the last line counts them
	@-bash tools/install-test-tools.sh
	@node tools/dist/run-tests.js

check: build ## formatting, lint and the repository's own rules
	@npx --no-install biome ci --colors=off .
	@npx --no-install oxlint --type-aware --deny-warnings
	@node tools/dist/check.js

format: $(NPM_STAMP) ## format every file
	@npx --no-install biome check --write .

build: $(NPM_STAMP) ## compile everything that changed
	@npx --no-install tsc -b
	@node tools/dist/bundle.js

simulate: build ## run clusters under virtual time and faults, from a fresh seed, for a minute; failures print how to replay them
	@node packages/simulator/dist/src/bin.js --seed $$(date +%s) --minutes 1

bench: build ## the seed's measurements, beside the seed's own figures
	@node bench/dist/seed.js

bench-etcd: build ## Quorate beside etcd, the same loads in turns; FORM=long takes about half an hour
	@node bench/dist/etcd/main.js --form $(or $(FORM),short)

mutants: build ## plant known bugs in copies of the code, see which of them the simulator finds, and write the table (half an hour)
	@node packages/simulator/dist/mutants/bin.js --jobs 2 --write docs/simulation.md

clean: ## remove what was built and installed, and the members' data
	rm -rf node_modules packages/*/dist packages/*/node_modules tools/dist bench/dist bench/results node1 node2 node3

$(NPM_STAMP): $(MANIFESTS)
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); if (a < 20 || (a === 20 && b < 19)) { console.error("Quorate needs Node.js 20.19 or newer; this is " + process.version); process.exit(1); }'
	npm ci --no-fund --no-audit
	@touch $@
