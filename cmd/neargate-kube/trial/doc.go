// Package trial runs a neargate process with an EKS cluster, for the
// demonstration and for tests of Kubernetes' module. It asks the AWS APIs with
// HTTP requests that the AWS SDK's signer signs, and the Docker Engine likewise:
// Kubernetes' module has no other use for their clients.
package trial
