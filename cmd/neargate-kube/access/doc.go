// Package access decides who somebody is in the cluster and what EKS's access
// policies let them do; Kubernetes' own RBAC decides beside it.
//
// identity.go turns a verified AWS identity into a Kubernetes user, by access
// entries, the aws-auth ConfigMap and the cluster's creator; token.go takes the
// tokens of `aws eks get-token`, and issuer.go those of an associated OIDC
// provider; policy.go is the authorizer for access policies, roles.go has their rules
// and rules.go tells them; node_roles.go is what EKS writes into aws-auth by itself;
// package irsa gives pods the role of their service account.
package access
