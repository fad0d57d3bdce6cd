package main

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// This file makes apiwire/constraints/*.txt: what the model demands of the
// members of inputs, in the format that apiwire/constraints.go describes.

// writeConstraints writes the structures that the inputs of all operations
// hold; required leaves out ranges and patterns, sdk is the folder of the SDK
// module, if there is one, which then decides what is required.
func writeConstraints(w *bufio.Writer, m *model, required bool, sdk string) error {
	t := constraintTable{model: m, required: required, lines: map[string][]string{}}
	seen := map[string]bool{}
	for _, op := range m.operations() {
		if in := m.Operations[op].Input; in != nil {
			t.add(op+"Input", m.Shapes[in.Shape])
			m.walkMembers(in.Shape, seen, t.add)
		}
	}
	if sdk != "" {
		more, err := requiredOf(sdk)
		if err != nil {
			return err
		}
		t.takeRequired(more)
	}
	names := make([]string, 0, len(t.lines))
	for name := range t.lines {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "%s\n", name)
		for _, line := range t.lines[name] {
			fmt.Fprintf(w, "\t%s\n", line)
		}
	}
	return nil
}

type constraintTable struct {
	model    *model
	required bool
	lines    map[string][]string
}

// add writes the lines of one structure: a member's own constraint, then that
// of its elements (name[]), keys (name{}) and values (name{=}).
func (t *constraintTable) add(name string, s *shape) {
	for _, member := range s.Members.names {
		r := t.model.Shapes[s.Members.refs[member].Shape]
		mark := ""
		if slices.Contains(s.Required, member) {
			mark = "!"
		}
		t.line(name, member+mark, r, mark != "")
		for _, part := range []struct {
			ref  *ref
			mark string
		}{{r.Member, "[]"}, {r.Key, "{}"}, {r.Value, "{=}"}} {
			if part.ref != nil {
				t.line(name, member+part.mark, t.model.Shapes[part.ref.Shape], false)
			}
		}
	}
}

// line writes NAME, RANGE and PATTERN with tabs between; the last two may be
// empty, and then the tabs are left out.
func (t *constraintTable) line(name, member string, s *shape, required bool) {
	limits, pattern := "", ""
	if !t.required {
		limits, pattern = limitsOf(s), s.Pattern
		if len(s.Enum) > 0 {
			pattern = "" // the enum is stricter and read from the SDK's types
		}
	}
	if !required && limits == "" && pattern == "" {
		return
	}
	t.lines[name] = append(t.lines[name], strings.TrimRight(member+"\t"+limits+"\t"+pattern, "\t"))
}

func limitsOf(s *shape) string {
	if s.Min == nil && s.Max == nil || s.Type == "boolean" || s.Type == "timestamp" || s.Type == "structure" {
		return ""
	}
	return number(s.Min) + ".." + number(s.Max)
}

func number(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'f', -1, 64)
}
