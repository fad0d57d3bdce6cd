// Package network tells pods which Services there are: what kube-proxy and
// CoreDNS do on other clusters. table.go and names.go compute, from Services,
// EndpointSlices and pods, the table that PID 1 of every sandbox translates
// addresses and answers names by; balancer.go lists the load balancers;
// publisher.go watches and tells the emulator; balance.go has the load balancers
// made and writes back where they answer.
//
// NetworkPolicies and node ports have no effect; Why says so.
package network
