package emulator

import "github.com/neargate/neargate/emulator/eks/controlplane"

// FindKube returns the path of neargate-kube, which --eks=kubernetes needs:
// named when that is not "", else the one beside this program, else the one in
// PATH. The error tells what to do.
func FindKube(named string) (string, error) { return controlplane.FindProgram(named) }
