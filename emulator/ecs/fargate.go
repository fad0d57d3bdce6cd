package ecs

import "strconv"

// fargateRange is the memory that goes with one size of CPU on Fargate.
type fargateRange struct{ cpu, min, max, step int } // CPU units; MiB

// fargateRanges are the 74 sizes of Fargate. The smallest one has no even
// step: fargateSize knows.
var fargateRanges = []fargateRange{
	{256, 512, 2048, 512},
	{512, 1024, 4096, 1024},
	{1024, 2048, 8192, 1024},
	{2048, 4096, 16384, 1024},
	{4096, 8192, 30720, 1024},
	{8192, 16384, 61440, 4096},
	{16384, 32768, 122880, 8192},
}

// fargateSize tells whether Fargate has tasks of that size, written as a task
// definition stores it: "256" units, "512" MiB.
func fargateSize(cpu, memory string) bool {
	c, cerr := strconv.Atoi(cpu)
	m, merr := strconv.Atoi(memory)
	if cerr != nil || merr != nil {
		return false
	}
	for _, r := range fargateRanges {
		if r.cpu == c {
			return r.has(m)
		}
	}
	return false
}

func (r fargateRange) has(memory int) bool {
	if r.cpu == 256 && memory == 1536 {
		return false
	}
	return memory >= r.min && memory <= r.max && (memory-r.min)%r.step == 0
}

// checkFargateSize returns ECS's refusal of a size that Fargate does not have;
// RunTask gives it for overrides too.
func checkFargateSize(cpu, memory string) error {
	if fargateSize(cpu, memory) {
		return nil
	}
	return noFargateSize(cpu, memory)
}

func noFargateSize(cpu, memory string) error {
	return client("No Fargate configuration exists for given values: %s CPU, %s memory. See the Amazon ECS documentation for the valid values.", cpu, memory)
}
