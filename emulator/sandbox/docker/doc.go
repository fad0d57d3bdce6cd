// Package docker runs sandboxes on a Docker Engine, API 1.41 (Docker 20.10) or
// newer, local or remote.
//
// # What stands for what
//
//	VPC              a bridge network with the VPC's CIDR
//	elastic network  the static address that the sandbox container has there
//	interface
//	microVM          the sandbox container: image made of the one static binary
//	                 neargate-sandbox, owner of the network namespace
//	task's size      a control group that all its workload containers have as
//	                 parent
//	volume           a folder that PID 1 keeps in the one volume that it has
//	                 mounted; one that begins with what the image has there,
//	                 as ECS's do, is a named Docker volume, and one in memory
//	                 a tmpfs volume
//	public address   a loopback address of the task's own, served by this
//	                 process and carried through the tunnel
//	host name        the sandbox container's, or, where that was made before
//	                 anybody asked for one, the pause container's
//	VPC's resolver   PID 1 at 169.254.169.253, in every resolv.conf that says
//	                 nothing else; it passes on to the Engine's
//	Services, DNS    PID 1 again, in the namespaces of pods only, out of the
//	and API of a     table of SetServices; the API's bytes go through the
//	pod's cluster    tunnel to Options.DialAPI
//
// The workload's containers join the sandbox container's network namespace,
// directly or where the pause container is, see pause.go.
// The emulator speaks with its PID 1 through the container's standard streams
// (package tunnel), so it needs no route to it: a remote engine or Docker
// Desktop works like a local one.
//
// # Whose is what
//
// Everything made here carries the label dev.neargate.instance with
// Options.Instance, and nothing without it is ever listed or removed. The name
// of the sandbox container tells which sandbox it serves, because a name can
// be changed later and a label cannot: a warm sandbox is renamed when it is
// taken. All that is needed to take over running sandboxes after a restart is
// in names and labels, and, for a pod's cluster, in what its PID 1 says in its
// greeting; this package keeps no file.
//
// # Ahead of time
//
// Sandboxes that wait in the warm pool serve everybody. What leaves its host
// name open, as tasks on Fargate do, needs nothing more. The Engine gives a
// container that joins another's network that one's host name as it was created
// with, and has no way to change either; so a pod gets a pause container, which
// has the pod's name, and whose process has moved into the warm sandbox. It
// needs two rights for a moment, SYS_ADMIN and SYS_PTRACE, in containers of our
// own image; an Engine that gives them none is found out with the first one,
// and from then on pods are not served from the pool.
//
// Without a warm sandbox one is started when it is wanted, and what can be done
// beside that is: Reserve makes the container, which fixes the address, asks the
// Engine whether anybody else has it, and has the start go on in the background
// while the pod is bound and translated. Somebody else's container that comes
// between that question and the start can still take the address; then Up
// returns another one.
//
// # Coming and going of the engine
//
// New works while the Engine is away. The one watcher of events connects and
// reconnects, and after each gap reads the state of all that is ours afresh.
// An error that is not a sandbox.StopError is worth a later try.
package docker
