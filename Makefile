# The developer interface. `make run` and `make test` do all their own set-up; both can be repeated.
VENV    := .venv
PYTHON  := $(VENV)/bin/python
MOZU    := $(VENV)/bin/mozu
STAMP   := $(VENV)/.installed
# The kernel programs, and what they are compiled from.
OBJECTS := plugins/sources/ebpf/objects/built/$(shell uname -m)-copies.objects
SOURCES := $(shell find bpf -name '*.[ch]') $(shell find plugins/sources/ebpf -maxdepth 1 -name '*.py') \
	$(wildcard plugins/sources/ebpf/objects/*.py)
# That packages are for, as uname says it.
MACHINE := x86_64
# Unit tests pass without root's powers: root drops its capabilities, so that a test that needs them fails for every user.
POWERLESS := $(shell [ "$$(id -u)" = 0 ] && command -v setpriv >/dev/null && echo setpriv --bounding-set=-all --inh-caps=-all)
# Without compiled modules every program that a test starts compiles mozu again: half of its time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test check lint types contracts pages unit quick live minimums constraints coverage dist deb rpm image k8s chart vm machine changelog bench soak storms detect chaos projects fuzz vectors mutants oracle docs docs-site clean

help:            ## these lines
	@grep -E '^[a-z-]+: .*##' Makefile | sed 's/:.*##/\t/'

setup: $(OBJECTS)  ## system packages (as root) and .venv with the command mozu
	@echo "mozu is installed: $(MOZU). Run it by this path, or put its directory into PATH: . $(VENV)/bin/activate"

$(STAMP): pyproject.toml setup.py constraints.txt tools/setup
	tools/setup $(VENV)
	touch $@

$(OBJECTS): $(STAMP) $(SOURCES)
	$(PYTHON) -m mozu.plugins.sources.ebpf.objects.build
	touch $@

run: $(OBJECTS)  ## watch this machine with the default rules, alerts on the screen
	@tools/hints
	$(MOZU) run

test: $(STAMP)   ## everything CI checks: lint, types, contracts, docs, all tests
	$(MAKE) check
	$(MAKE) unit
	$(MAKE) live

check: lint types contracts pages ## lint, types, import contracts, generated docs

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/zizmor --offline --quiet --config .github/zizmor.yml .github

types: $(STAMP)
	$(VENV)/bin/mypy

contracts: $(STAMP)
	PYTHONPATH=src $(VENV)/bin/lint-imports

pages: $(STAMP)
	$(PYTHON) -m pytest -q -m "not live" tests/docs

unit: $(OBJECTS)   ## tests that need Python and an ordinary user only, in parallel: twelve minutes on two cores
	$(POWERLESS) $(PYTHON) -m pytest -q -n auto -m "not live"

quick: $(OBJECTS)  ## unit tests of what differs from main (BASE=COMMIT: from another), in parallel
	@tests=$$($(PYTHON) tools/quick $(BASE)) && [ -n "$$tests" ] || { echo "nothing differs from $(or $(BASE),main)"; exit 0; }; \
	$(POWERLESS) $(PYTHON) -m pytest -q -n auto -m "not live" $$tests || [ $$? = 5 ]

live: $(OBJECTS)   ## tests that need the kernel, root, docker, Kafka or programs of the distribution
	tools/test-packages
	$(PYTHON) -m pytest -m live

minimums: $(STAMP) ## unit tests with the lowest versions that pyproject.toml allows
	$(PYTHON) -m tests.packaging.minimums > $(VENV)/minimums.txt
	tools/setup $(VENV)-minimums $(VENV)/minimums.txt
	touch $(VENV)-minimums/.installed
	$(MAKE) unit VENV=$(VENV)-minimums

constraints:     ## the newest versions that pyproject.toml allows become the tested set
	tools/constraints

coverage: $(OBJECTS) ## which lines and branches of core and plugins the unit tests reach
	$(PYTHON) -m coverage erase
	$(POWERLESS) $(PYTHON) -m coverage run -m pytest -q -n auto -m "not live"
	$(PYTHON) -m coverage combine --quiet
	$(PYTHON) -m coverage report

dist: $(STAMP)   ## sdist and wheel in dist/
	rm -rf dist
	$(PYTHON) -m mozu.plugins.sources.ebpf.objects.build --machine x86_64
	$(PYTHON) -m mozu.plugins.sources.ebpf.objects.build --machine aarch64
	$(PYTHON) -m build

deb: $(STAMP)    ## the package for Debian and Ubuntu in dist/, of the commit that is checked out; MACHINE=aarch64: for arm64
	$(PYTHON) -m distribution deb --machine $(MACHINE)

rpm: $(STAMP)    ## the package for distributions with rpm in dist/, of the commit that is checked out; MACHINE=aarch64: for arm64
	$(PYTHON) -m distribution rpm --machine $(MACHINE)

image: $(STAMP)  ## the container image in dist/, of the commit that is checked out; MACHINE=aarch64: for arm64; IMAGE_KEY=FILE: signed
	$(PYTHON) -m distribution image --machine $(MACHINE) $(if $(IMAGE_KEY),--key "$(IMAGE_KEY)")

release:         ## dist/ with packages, repository for apt, digests, signatures, and the text of the release page
	@test -f "$(SIGNING_KEY)" || { echo "make release SIGNING_KEY=FILE: a private key of OpenSSH (docs/internals/releasing.md)"; exit 1; }
	@test -f "$(IMAGE_KEY)" || { echo "make release IMAGE_KEY=FILE: a private key on P-256 in PEM, for the images (docs/internals/releasing.md)"; exit 1; }
	@test -n "$(APT_KEY)" -a -n "$(REPOSITORY_URL)" || { echo "make release APT_KEY=FINGERPRINT REPOSITORY_URL=URL: gpg's key for the repository, and its address (docs/internals/releasing.md)"; exit 1; }
	$(MAKE) dist
	$(MAKE) deb
	$(MAKE) deb MACHINE=aarch64
	$(MAKE) image IMAGE_KEY="$(IMAGE_KEY)"
	$(MAKE) image IMAGE_KEY="$(IMAGE_KEY)" MACHINE=aarch64
	$(PYTHON) -m distribution repository --key "$(APT_KEY)" --url "$(REPOSITORY_URL)"
	$(PYTHON) -m distribution release --key "$(SIGNING_KEY)"

k8s: $(OBJECTS)    ## the chart and the enricher `kubernetes` against a real API server, which it builds (as root)
	MOZU_K8S=only tools/test-packages
	$(PYTHON) -m tests.support.kube_apiserver
	$(PYTHON) -m pytest -q tests/e2e/test_chart.py tests/e2e/test_kubernetes.py

chart:           ## charts/manifests/mozu.yaml from the chart; needs helm
	helm template mozu charts/mozu --namespace mozu --kube-version 1.30 --set image.repository=REGISTRY/mozu \
		--set metrics.secret=mozu-http > charts/manifests/mozu.yaml

vm: $(STAMP)     ## the package in virtual machines of Debian 12 and 13, and on a kernel that is too old (as root): half an hour
	MOZU_VM=only tools/test-packages
	$(PYTHON) -m tests.vm

machine: $(STAMP) ## a part of that: Debian 12 raises alerts for one act of every family (as root): two minutes
	MOZU_VM=only tools/test-packages
	$(PYTHON) -m tests.vm --only bookworm --steps alert,acts

changelog: $(STAMP) ## changelog.d becomes the section of this version in CHANGELOG.md
	tools/changelog $(VENV)/bin/towncrier

bench: $(OBJECTS)  ## benchmarks; numbers go to docs/operate/benchmarks.md by hand
	MOZU_BENCH=full tools/test-packages
	$(PYTHON) -m benchmarks

soak: $(OBJECTS)   ## half an hour of 25,000 tasks and 300 new processes a second (as root)
	$(PYTHON) -m tests.soak

storms: $(OBJECTS) ## 300 containers of 50 ms in each runtime, with its socket, a silent one, none (as root)
	tools/test-packages
	$(PYTHON) -m tests.storms

detect: $(OBJECTS) ## make detect [MINUTES=60]: every way and act, then ordinary work under mozu's own rules (as root)
	MOZU_DETECT=full tools/test-packages
	$(PYTHON) -m tests.detect.ways docs/rules/ways.md
	$(PYTHON) -m pytest -q tests/e2e/test_every_default_rule.py tests/e2e/test_default_rules_*.py tests/e2e/test_scenarios.py
	$(PYTHON) -m tests.detect --minutes $(or $(MINUTES),60) --page docs/rules/detection.md

chaos: $(OBJECTS)  ## kills, full disks and dead destinations at full length; MOZU_STARVE=quota or busy: starved of the CPU
	MOZU_CHAOS=full $(PYTHON) -m pytest -q tests/delivery

projects: $(STAMP) ## real projects under mozu trace: packages of PyPI and Debian, mozu's own tests
	MOZU_PROJECTS=full tools/test-packages
	MOZU_PROJECTS=full $(PYTHON) -m pytest -q tests/projects

fuzz: $(STAMP)   ## the property and mutation tests at full length
	MOZU_FUZZ=full $(PYTHON) -m pytest -q tests -k "fuzz or property" --timeout=3600

vectors: $(STAMP) ## make vectors FILE=<tsv>: parser vectors against the condition parser
	$(PYTHON) -m tests.vectors $(FILE)

mutants: $(STAMP) ## make mutants [PLACES="core/state …"] [SAMPLE=100]: which changed lines no test notices
	$(POWERLESS) $(PYTHON) -m tests.mutants $(or $(PLACES),core/state core/flow core/delivery core/filter) --sample $(or $(SAMPLE),100)

oracle: $(STAMP) ## make oracle DIR=<scenarios> RULES=<rule files>: replay and compare verdicts
	$(PYTHON) -m tests.oracle $(DIR) $(RULES)

docs: $(STAMP)   ## write the generated pages again
	$(PYTHON) -m mozu.core.model.fields.document > docs/rules/fields.md
	$(PYTHON) -m mozu.core.abi.document > docs/rules/calls.md
	$(PYTHON) -m mozu.plugins.rules.falco.document > docs/rules/default-rules.md
	$(PYTHON) -m mozu.core.cli.document docs/operate/configuration.md
	$(PYTHON) -m tests.detect.positives docs/rules/detection.md
	TZ=UTC $(PYTHON) -m tests.core.delivery.encode.guide docs/integrate/formats.md
	$(PYTHON) -m mozu.core.api.document > docs/plugins/api.md
	$(PYTHON) -m mozu.core.runtime.operations.document > docs/operate/metrics.md
	$(PYTHON) -m mozu.core.runtime.falco_import.document docs/operate/from-falco.md
	$(PYTHON) -m mozu.core.cli.plugin.document > docs/plugins/examples.md
	$(PYTHON) -m tests.docs.screen
	$(PYTHON) -m mozu.core.recording.schema > schemas/recording/v1.schema.json

docs-site: $(VENV)-site/.installed ## the site of docs/, with search, in build/site
	$(VENV)-site/bin/zensical build --clean --config-file mkdocs.yml
	@echo "the site is in build/site: python3 -m http.server --directory build/site"

$(VENV)-site/.installed: tools/docs-site.txt
	python3 -m venv $(VENV)-site
	$(VENV)-site/bin/python -m pip install --quiet --requirement $<
	touch $@

clean:           ## remove what make made
	rm -rf $(VENV) $(VENV)-site $(VENV)-minimums build dist src/*.egg-info
