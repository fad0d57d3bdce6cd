package apiwire

import "reflect"

// Check checks an input as a handler does.
func Check(c Constraints, op string, in reflect.Value) []Violation { return c.check(op, in) }

// ConstraintTable lists the structs of a service's table with their members.
func ConstraintTable(service string) map[string][]string {
	table := map[string][]string{}
	for name, members := range ConstraintsOf(service).table.structs() {
		table[name] = nil
		for member := range members {
			table[name] = append(table[name], member)
		}
	}
	return table
}

// Patterns lists a table's patterns in Go's syntax.
func Patterns(service string) map[string]string {
	patterns := map[string]string{}
	for name, members := range ConstraintsOf(service).table.structs() {
		for member, c := range members {
			if c.pattern != "" {
				patterns[name+"."+member] = goPattern(c.pattern)
			}
		}
	}
	return patterns
}
