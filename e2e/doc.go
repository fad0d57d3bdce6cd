// Package e2e holds no code: its tests run Neargate as its users do, as a
// process of its own, asked by stock clients (the AWS CLI, boto3, the AWS SDK
// for Go, docker-compose, kubectl, helm, Terraform), with containers on a real Docker
// Engine.
//
// Each test starts a server of its own on a free port with a data directory of
// its own, and at its end everything that the server made has to be gone. What
// a test needs and does not find (an Engine, a client) makes it skip and say
// so; NEARGATE_REQUIRE_DOCKER=1 and NEARGATE_REQUIRE_CLIENTS=1 make that a
// failure.
//
// The tests whose names begin with TestEKS make clusters and need neargate-kube,
// which they do not build: NEARGATE_KUBE names it, or `make build-kube` has put
// it into ../bin. NEARGATE_REQUIRE_KUBE=1 makes its absence a failure. TestEKS
// shares one cluster among groups of tests, each with a namespace of its own.
//
// The tests whose names begin with TestTerraform apply the stacks of
// ../fixtures/terraform with fake containers. Terraform's AWS provider is never
// fetched: NEARGATE_TERRAFORM_PLUGINS names a folder laid out as a mirror, or
// Terraform's own configuration leads to one. NEARGATE_REQUIRE_TERRAFORM=1 makes
// the absence of either a failure.
//
// Programs/probe is what runs inside the containers.
package e2e
