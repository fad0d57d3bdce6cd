// Package runtimetest holds the suite that every sandbox.Runtime must pass.
//
// A runtime's own test hands Run a way to make a fresh runtime and a way to
// turn a [Program] into a container that behaves so. A runtime of real
// containers uses the command in the folder program, built as a static
// binary at [Path] of an image, and [Program.Argv]; a simulated one translates
// the program into its own terms. What a runtime cannot have by its nature is
// left out through [Options.Can], never silently: such tests are skipped with
// the name of what is missing.
package runtimetest
