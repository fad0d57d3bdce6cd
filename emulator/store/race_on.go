//go:build race

package store

// raceDetector is whether this is a build with -race, in which shared values
// are audited as well.
const raceDetector = true
