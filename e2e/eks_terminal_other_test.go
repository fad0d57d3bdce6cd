//go:build !linux

package e2e_test

// terminal is looked at on Linux only, where pseudo terminals are easily made.
func terminal(n *namespace) { n.t.Helper(); n.t.Log("exec -it is tested on Linux only") }
