package docker_test

import (
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

func TestConformance(t *testing.T) {
	b := need(t)
	instances := map[sandbox.Runtime]string{}
	runtimetest.Run(t, runtimetest.Options{
		Network: sandbox.Network{
			VPC: "vpc-0runtimetest00000", VPCCIDR: b.suite + ".0.0/16", Subnet: "subnet-0runtimetest00", SubnetCIDR: b.suite + ".1.0/24",
		},
		New: func(t *testing.T) sandbox.Runtime {
			instance := b.instance()
			r := b.start(t, b.options(instance))
			instances[r] = instance
			return r
		},
		Again: func(t *testing.T, first sandbox.Runtime) sandbox.Runtime {
			docker.Abandon(first.(*docker.Runtime))
			return b.start(t, b.options(instances[first]))
		},
		Other: func(t *testing.T, _ sandbox.Runtime) sandbox.Runtime {
			return b.start(t, b.options(b.instance()))
		},
		Container: b.container,
		Can:       []runtimetest.Capability{runtimetest.Processes, runtimetest.Network, runtimetest.Memory},
	})
}
