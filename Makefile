# Every target does its own set-up; second runs are fast. "make help" lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

NODE := node_modules/.bin/node
JEST := $(NODE) --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js
IMAGE_TAR := build/volprime-image.tar

.PHONY: help
help: ## Show this
	@grep -hE '^[a-z][a-z0-9-]*:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'
	@echo
	@echo "KUBECONFIG=path: demo, integration, e2e, deploy and undeploy use that cluster instead of the embedded one."

# The set-up that everything needs: the tools of this machine are looked at, npm brings the rest (Node 26 included).
# Not "npm ci": it removes node_modules first, also where one package was added.
node_modules/.installed: package.json package-lock.json scripts/prerequisites.sh scripts/packages.sh
	@scripts/prerequisites.sh
	@echo "Installing npm packages (about 30 s the first time)"
	@npm install --no-save --no-fund --no-audit --loglevel=error
	@$(NODE) --version >/dev/null
	@touch $@

.PHONY: setup
setup: node_modules/.installed ## Check this machine and install the npm packages

.PHONY: demo
demo: setup ## From nothing to a populated volume, shown step by step (KUBECONFIG= for your own cluster)
	@$(NODE) scripts/demo/main.ts

.PHONY: test
test: check unit integration e2e-gate ## All that must be green: check, unit, integration, and as much of e2e as fits into a quarter of an hour

.PHONY: check
check: setup ## Format, lint, types, generated files
	@npx --no-install --loglevel=error biome ci --log-level=warn .
	@npx --no-install --loglevel=error oxlint --type-aware --deny-warnings --quiet
	@npx --no-install --loglevel=error tsc --noEmit
	@$(NODE) scripts/generate.ts --check
	@echo "check: format, lint, types and generated files are in order"

.PHONY: format
format: setup ## Format all files
	@npx --no-install --loglevel=error biome format --write --log-level=warn .

.PHONY: generate
generate: setup ## Write crds/ and the generated docs from the sources
	@$(NODE) scripts/generate.ts

# Certificates and archives that tests make; archives of other programs are compared where those are.
.PHONY: test-tools
test-tools:
	@scripts/packages.sh openssl=openssl zstd=zstd script=bsdutils setfacl=acl
	@$(NODE) image/restic.ts >/dev/null
	@scripts/packages.sh --optional bsdtar=libarchive-tools 7zz=7zip python3=python3

# Built and installed before the tests begin: their hooks have limits that no compiler keeps on a bare machine.
.PHONY: programs
programs: setup
	@$(NODE) test/cluster/main.ts build

.PHONY: unit
unit: setup test-tools ## Unit tests (about three minutes on two cores)
	@$(JEST) --selectProjects unit --maxWorkers=2

.PHONY: integration
integration: setup test-tools programs ## Tests on a real etcd and kube-apiserver (builds them once, about 12 min on 2 cores)
	@$(JEST) --selectProjects integration --runInBand

# Files that need a cluster for themselves have one of their own beside the one that the others share: most of their time is waiting.
ALONE := volprime-alone
define e2e_files
VOLPRIME_E2E_CLUSTER=$(ALONE) $(JEST) --selectProjects e2e-alone --runInBand $(1) & alone=$$!; \
$(JEST) --selectProjects e2e --maxWorkers=3 $(1); code=$$?; \
wait $$alone || code=1; \
$(NODE) test/cluster/main.ts down --name $(ALONE); \
exit $$code
endef

.PHONY: e2e
e2e: setup test-tools programs image ## Tests on a whole node: samples, crashes, deletions, bad input
	@$(call e2e_files,)

# What takes longest is left to "make e2e": its decisions are held by unit and integration tests here.
E2E_LONG := /test/e2e/(any-provisioner|api-faults|class-changes|cross-namespace|leader|many|mutation|placement|private-network|snapshot-capture|snapshot-copy|snapshot-object-store|snapshot-restore-crash|snapshot-roads|snapshot-sftp|storm|taken-away|unfit|uninstall|wrapper)[.]

.PHONY: e2e-gate
e2e-gate: setup test-tools programs image ## Most of e2e: what make test runs of it
	@$(call e2e_files,--testPathIgnorePatterns '$(E2E_LONG)')

.PHONY: e2e-full
e2e-full: setup test-tools programs image ## The long forms of e2e, and of what needs minutes elsewhere
	@$(JEST) --selectProjects e2e-full --runInBand

.PHONY: e2e-storm
e2e-storm: setup test-tools programs image ## 200 claims while all goes wrong at once (VOLPRIME_E2E_SEED= to have a storm again)
	@$(JEST) --selectProjects e2e-full --runInBand --testPathPatterns test/e2e/storm

.PHONY: bench
bench: setup image ## Measure against floors of the same run; writes bench/results/latest.json
	@$(NODE) bench/main.ts

.PHONY: image
image: setup ## The OCI image of controller and populator (build/volprime-image.tar), without a container engine
	@$(NODE) image/build.ts --out $(IMAGE_TAR)

.PHONY: cluster-up
cluster-up: setup ## The embedded Kubernetes node; prints the path of its kubeconfig
	@$(NODE) test/cluster/main.ts up

.PHONY: cluster-down
cluster-down: setup ## End the embedded node and the tests' control plane, and remove all that they left
	@$(NODE) test/cluster/main.ts down
	@$(NODE) test/cluster/main.ts down --name $(ALONE)
	@$(NODE) test/cluster/main.ts down --name integration
	@$(NODE) test/cluster/main.ts down --name integration-no-gate
	@$(NODE) test/cluster/main.ts down --name integration-snap
	@$(NODE) test/cluster/main.ts down --name integration-guard

.PHONY: deploy
deploy: setup ## CRDs and controller onto $KUBECONFIG (the embedded cluster where unset); IMAGE= for a foreign one
	@$(NODE) scripts/deploy.ts up

.PHONY: undeploy
undeploy: setup ## Take controller and CRDs off again
	@$(NODE) scripts/deploy.ts down
