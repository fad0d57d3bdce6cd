package runtimetest

import "github.com/neargate/neargate/emulator/sandbox"

// ceilings: memory limits, of a container and of the whole sandbox.
func ceilings() []scenario {
	real := []Capability{Processes, Memory}
	return []scenario{
		{"a container beyond its memory is killed, and said so", real, containerMemory},
		{"a sandbox beyond its memory is killed, and said so", real, sandboxMemory},
		{"within the limits nobody is killed", real, enoughMemory},
		{"a container may be granted more processors than its sandbox has", real, processorsBeyond},
	}
}

const mebi = 1 << 20

func containerMemory(b *bench) {
	s := b.spec(Program{Eat: 256 * mebi}, Program{})
	s.Containers[0].Memory = 64 * mebi
	b.up(s)
	b.start(s, 0)
	b.start(s, 1)
	if c := b.ended(s, "c0"); c.ExitCode != 137 || !c.OOMKilled {
		b.Errorf("%+v", c)
	}
	if o := b.inspect(s); o.Containers["c1"].State != sandbox.ContainerRunning {
		b.Errorf("the other one: %+v", o.Containers["c1"])
	}
}

func sandboxMemory(b *bench) {
	s := b.spec(Program{Eat: 256 * mebi})
	s.Size = sandbox.Size{CPU: 256, Memory: 64 * mebi}
	b.up(s)
	b.start(s, 0)
	c := b.ended(s, "c0")
	if o := b.inspect(s); c.ExitCode != 137 || !c.OOMKilled && o.OOMKills == 0 {
		b.Errorf("%+v, kills in the sandbox %d", c, o.OOMKills)
	}
}

func enoughMemory(b *bench) {
	p := Exits(0)
	p.Eat = 32 * mebi
	s := b.spec(p)
	s.Size = sandbox.Size{CPU: 256, Memory: 256 * mebi}
	s.Containers[0].Memory = 128 * mebi
	b.up(s)
	b.start(s, 0)
	if c := b.ended(s, "c0"); c.ExitCode != 0 || c.OOMKilled {
		b.Errorf("%+v", c)
	}
}

// processorsBeyond: a pod's limit of processors does not count for its size on
// Fargate, and so may be above it.
func processorsBeyond(b *bench) {
	s := b.spec(Exits(0))
	s.Size = sandbox.Size{CPU: 256, Memory: 256 * mebi}
	s.Containers[0].CPULimit = 512
	b.up(s)
	b.start(s, 0)
	if c := b.ended(s, "c0"); c.ExitCode != 0 || c.Error != "" {
		b.Errorf("%+v", c)
	}
}
