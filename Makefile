# Everything that CI does can be done here; `make help` lists it.

GO      ?= go
BIN     := bin
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
PID1    := emulator/sandbox/docker/pid1
COMPOSE := $(shell command -v docker-compose || echo docker compose)
LDFLAGS := -s -w -X main.release=$(VERSION)

# Kubernetes is a module of its own, which is always built with these flags and
# no others: each other set would compile all of Kubernetes anew.
KUBE       := cmd/neargate-kube
KUBE_FLAGS := -trimpath -tags netgo,osusergo

.DEFAULT_GOAL := help
.PHONY: help build build-kube run demo demo-eks test test-ecs test-kube test-docker e2e bench fuzz generate lint image up down doctor engine clean check image-eks vet-kube

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

build: $(BIN)/neargate ## bin/neargate

# PID 1 of every sandbox is carried inside the server: one static Linux binary
# per architecture that Docker may run on.
.PHONY: pid1
pid1:
	@mkdir -p $(PID1)
	@echo "Building PID 1 of the sandboxes …"
	@for arch in amd64 arm64; do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/pid1-$$arch ./cmd/neargate-sandbox || exit 1; \
	  gzip -9nc $(BIN)/pid1-$$arch > $(PID1)/neargate-sandbox-linux-$$arch.gz.new; \
	  cmp -s $(PID1)/neargate-sandbox-linux-$$arch.gz.new $(PID1)/neargate-sandbox-linux-$$arch.gz \
	    && rm $(PID1)/neargate-sandbox-linux-$$arch.gz.new \
	    || mv $(PID1)/neargate-sandbox-linux-$$arch.gz.new $(PID1)/neargate-sandbox-linux-$$arch.gz; \
	done

.PHONY: $(BIN)/neargate
$(BIN)/neargate: pid1
	@echo "Building $@ (the first time, with SQLite and the AWS SDK, takes minutes) …"
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/neargate

build-kube: $(BIN)/neargate-kube ## bin/neargate-kube, which clusters of EKS need: 7 to 10 minutes the first time

.PHONY: $(BIN)/neargate-kube
$(BIN)/neargate-kube:
	@mkdir -p $(BIN)
	@echo "Building $@ (the first time, with all of Kubernetes, takes 7 to 10 minutes and 3 GB) …"
	@cd $(KUBE) && $(GO) build $(KUBE_FLAGS) -ldflags '$(LDFLAGS) -extldflags "-static"' -o $(CURDIR)/$@.new . 2>&1 | { grep -v -e '^# ' -e unixDlOpen -e 'Using .dlopen' >&2 || true; }
	@test -f $@.new && mv $@.new $@

run: build ## start the server on 127.0.0.1:4566
	$(BIN)/neargate serve --listen 127.0.0.1:4566

engine: build ## make sure that a Docker Engine answers
	@NEARGATE=$(BIN)/neargate .ci/engine

demo: engine ## run a Fargate task from beginning to end and show it
	@echo "Building the demonstration and its workload …"
	@CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/demo-web ./fixtures/web
	@$(GO) build -trimpath -o $(BIN)/neargate-demo ./cmd/neargate-demo
	@$(BIN)/neargate-demo --neargate $(BIN)/neargate --web $(BIN)/demo-web

demo-eks: engine build-kube ## make a cluster, run pods on it with Kubernetes' own API, and show it
	@echo "Building the demonstration and its workload …"
	@CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/demo-web ./fixtures/web
	@cd $(KUBE) && $(GO) build $(KUBE_FLAGS) -ldflags '-s -w' -o $(CURDIR)/$(BIN)/neargate-demo-eks ./demo
	@$(BIN)/neargate-demo-eks --neargate $(BIN)/neargate --web $(BIN)/demo-web

test: build-kube test-ecs test-kube ## all tests; those that need Docker or a client skip loudly without

# What keeps the Engine busy comes after the rest, so that neither makes the
# other late. Both run, whatever the first says.
RACE  := NEARGATE_KUBE=$(CURDIR)/$(BIN)/neargate-kube $(GO) test -race -shuffle=on -timeout 40m
HEAVY := ./e2e ./emulator/sandbox/docker

test-ecs: pid1 ## the tests of everything but Kubernetes' own module
	@.ci/skips
	@failed=0; \
	echo "The tests that need little of Docker …"; \
	$(RACE) $$($(GO) list ./... | grep -vxF -e "$$($(GO) list $(HEAVY))") || failed=1; \
	echo "The tests that run on Docker …"; \
	$(RACE) $(HEAVY) || failed=1; \
	exit $$failed

# Only checks that need nothing of the packages that are imported: the others
# would look at all of Kubernetes first, which takes a quarter of an hour.
VETS := -assign -atomic -bools -composites -copylocks -defers -errorsas -ifaceassert -loopclosure -nilfunc -shift \
        -sigchanyzer -stdmethods -stringintconv -structtag -testinggoroutine -tests -timeformat -unmarshal -unreachable -unusedresult

vet-kube: build-kube ## vet Kubernetes' own module
	cd $(KUBE) && $(GO) vet $(KUBE_FLAGS) $(VETS) ./...

test-kube: build-kube ## the tests of Kubernetes' own module
	cd $(KUBE) && NEARGATE_KUBE=$(CURDIR)/$(BIN)/neargate-kube $(GO) test -vet=off $(KUBE_FLAGS) -shuffle=on -timeout 20m ./...

test-docker: engine image ## the conformance suite and the end-to-end tests, on Docker
	NEARGATE_REQUIRE_DOCKER=1 $(GO) test -shuffle=on -count=1 -timeout 20m ./emulator/sandbox/... ./e2e/...

e2e: engine image ## the end-to-end tests alone, nothing skipped
	NEARGATE_REQUIRE_DOCKER=1 NEARGATE_REQUIRE_CLIENTS=1 $(GO) test -count=1 -timeout 20m ./e2e/...

bench: engine ## measure, as one table
	@CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/demo-web ./fixtures/web
	@$(GO) run ./cmd/neargate-bench --neargate $(BIN)/neargate --web $(BIN)/demo-web --kube $(BIN)/neargate-kube

fuzz: ## thirty seconds of each fuzz target
	.ci/fuzz 30s

generate: ## write generated files anew: lists of operations, the README's coverage
	$(GO) test ./apiwire -run TestEKSRoutes -update
	$(GO) test ./emulator -run TestOperationList -update
	$(GO) test ./emulator -run TestCoverage -update

lint: ## linters, formatting, generated files
	.ci/lint

image: pid1 ## the server as an image, FROM scratch
	@rm -rf $(BIN)/image && mkdir -p $(BIN)/image
	CGO_ENABLED=1 GOOS=linux $(GO) build -trimpath -tags 'netgo osusergo' -ldflags '$(LDFLAGS) -extldflags "-static"' -o $(BIN)/image/neargate ./cmd/neargate
	docker build -q -t neargate:latest -f Dockerfile $(BIN)/image

image-eks: build-kube image ## the same with neargate-kube, so that clusters of EKS run in it
	cp $(BIN)/neargate-kube $(BIN)/image/
	docker build -q -t neargate:latest -f Dockerfile $(BIN)/image

up: engine image ## the server in a container, by docker-compose
	$(COMPOSE) up -d

down: ## stop it
	$(COMPOSE) down

check: lint test ## what CI runs

clean: ## remove what was built
	rm -rf $(BIN) $(PID1)/*.gz
