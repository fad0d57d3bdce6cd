// Package link is what the emulator and neargate-kube, the control plane of
// one EKS cluster, say to each other. Both sides import it: emulator/eks
// starts neargate-kube as a process of its own, in a Go module of its own,
// because Kubernetes has process-wide state and takes minutes to build.
//
// The child gets a Config as one JSON document on its standard input, which
// stays open for as long as the emulator lives: its end is the child's end.
// From then on each side serves HTTP on a unix socket in the cluster's
// directory: the emulator what [Parent] says, the child what [Child] says.
// Bodies are JSON; what goes on for long is one JSON document per line; what
// becomes a stream of bytes is an upgraded connection. The sockets' directory
// is the emulator's user's alone, and nothing else listens.
//
// types.go has what is told, parent.go and child.go the two interfaces;
// parent_server.go, parent_client.go, child_server.go and child_client.go are
// the two ends of each, made of server.go and client.go. frame.go, talk.go and
// hear.go carry a process's streams. socket.go listens.
package link
