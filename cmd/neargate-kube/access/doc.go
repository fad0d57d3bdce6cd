// Package access decides who somebody is in the cluster and what EKS's access
// policies let them do; Kubernetes' own RBAC decides beside it.
//
// identity.go turns a verified AWS identity into a Kubernetes user, by access
// entries, the aws-auth ConfigMap and the cluster's creator; token.go takes the
// tokens of `aws eks get-token`; policy.go is the authorizer for access
// policies; irsa.go gives pods the role of their service account.
package access
