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

// CheckStrategy is checkStrategy, as RunTask applies it.
var CheckStrategy = checkStrategy

// SetRevision pretends that a family has come so far.
func SetRevision(tx *store.Tx, scope, family string, n int32) error {
	return families.Put(tx, familyKey(scope, family), &Family{Scope: scope, Name: family, Revision: n})
}
