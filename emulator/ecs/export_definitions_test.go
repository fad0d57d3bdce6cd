package ecs

import "github.com/neargate/neargate/emulator/store"

// Distribute is distribute, which RunTask does not show whole.
var Distribute = distribute

// FargateSize is fargateSize.
var FargateSize = fargateSize

// CPUUnits and MemoryMiB read sizes.
var (
	CPUUnits  = cpuUnits
	MemoryMiB = memoryMiB
)

// InsertTask stores a task without its sandbox.
func InsertTask(tx *store.Tx, t *Task) error { return tasks.Insert(tx, t.ARN, t) }
