// Package eksauth is Amazon EKS Auth, the service that gives pods the role
// which a pod identity association names for their service account, and the
// EKS Pod Identity Agent, which answers pods at 169.254.170.23.
//
// A token is believed when the cluster's issuer has signed it for
// pods.eks.amazonaws.com, it has not expired, and the pod that it was made for
// still runs. The role's trust policy must let pods.eks.amazonaws.com assume
// the role and, unless the association disables session tags, tag the session.
// Nothing is remembered: an association that is deleted or changed counts from
// the next request on. On AWS the agent answers from its cache for some more
// minutes.
//
// AssumeRoleForPodIdentity is not served as an API of its own (its signing
// name is eks-auth): nobody but the agent calls it, and the agent is here.
// That a service account has been deleted, while its pod still runs, is not
// looked at.
//
// api.go is the operation, token.go what it believes, agent.go the agent,
// error.go how both refuse.
package eksauth
