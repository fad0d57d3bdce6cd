// Package identity lets the parts of this process act at the API server as who
// they stand for: the kubelets of nodes, the schedulers, EKS's own controllers.
// So the audit log, RBAC, the node authorizer and NodeRestriction see of them
// what they see on EKS.
//
// user.go says who there is, [As] puts one into a context, and what is asked of
// the API server with that context is asked as that one: own.go carries it there
// and takes it in, without a second connection. Whatever is asked without stays
// the API server's own (system:apiserver): reading ahead the ConfigMaps and
// Secrets of pods that have no node yet, for one. sink.go does the same for
// events, whose source says who tells them, and roles.go has what RBAC needs to
// know of EKS's own.
package identity
