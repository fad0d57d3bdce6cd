package eks_test

import (
	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eks/controlplane"
)

// The supervisor of control planes is what the API asks for, though neither
// knows the other.
var _ eks.ControlPlanes = (*controlplane.Planes)(nil)
