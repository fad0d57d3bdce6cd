// Neargate-sandbox is PID 1 of every sandbox container: the small container
// that owns the network namespace of one task or pod, which the workload's
// containers join. It is what the emulator has inside that namespace; they
// speak by package [github.com/neargate/neargate/emulator/sandbox/tunnel].
//
// It is made for an image with nothing else in it than itself and the empty
// folders /etc, /tmp and /run:
//
//	CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags='-s -w' -o neargate-sandbox ./cmd/neargate-sandbox
//
// and for a container with OpenStdin, without a TTY, with the capability
// NET_ADMIN, without a log driver (the tunnel's bytes are its output), and with
// the host's /sys/fs/cgroup bound to --cgroup-root where the task's size shall
// hold for all its containers together; then it also needs the capability
// DAC_OVERRIDE, because the tree's root is a folder that root may not write to
// (mode 0555). Where it is to keep volumes, in a folder that --volumes names, it
// needs CHOWN, FOWNER and FSETID besides: what is in them belongs to the users of
// the workload. It needs to know nothing about the task when it starts, so it can
// be started before there is one. When there is one, it is told over the tunnel
// what /etc/hosts and /etc/resolv.conf shall say, which it shares with the
// task's containers, and, for a pod, which cluster it belongs to: then it does
// for the namespace what kube-proxy and CoreDNS do for a node.
//
//	neargate-sandbox [flags]          PID 1
//	neargate-sandbox bridge [flags]   by docker exec: a fresh stream to PID 1
//	neargate-sandbox pause            in a container that shares PID 1's processes:
//	                                  moves into its network namespace, says
//	                                  "paused" and waits
//
// A container for pause has the host name that the workload shall see, no
// network of its own, and the capabilities SYS_ADMIN and SYS_PTRACE, which it
// gives up before it says that it is there.
//
// The tunnel is on standard input and output; when it breaks, everything goes
// on, and bridge brings a new one. On SIGTERM and SIGINT PID 1 exits at once: the
// workload's containers are stopped before it.
package main
