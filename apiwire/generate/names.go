package main

import (
	"bufio"
	"cmp"
	"slices"
)

// This file makes ec2names.txt: where EC2's names differ from the rule that
// apiwire/ec2names.go describes.

// nameTable is Go struct → its exceptions, in the model's order.
type nameTable map[string][]string

func writeNames(w *bufio.Writer, m *model) {
	table := nameTable{}
	in, out := map[string]bool{}, map[string]bool{}
	for _, op := range m.operations() {
		o := m.Operations[op]
		if o.Input != nil {
			table.requests(op+"Input", m.Shapes[o.Input.Shape])
			m.walkMembers(o.Input.Shape, in, table.requests)
		}
		if o.Output != nil {
			table.responses(m, op+"Output", m.Shapes[o.Output.Shape])
			m.walkMembers(o.Output.Shape, out, func(name string, s *shape) { table.responses(m, name, s) })
		}
	}
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w.WriteString(name)
		for _, e := range table[name] {
			w.WriteString(" " + e)
		}
		w.WriteByte('\n')
	}
}

// requests adds what is written otherwise in requests: the query name, else
// the capitalised location name, else the member's own.
func (t nameTable) requests(name string, s *shape) {
	for _, member := range s.Members.names {
		r := s.Members.refs[member]
		wire := cmp.Or(r.QueryName, capitalised(r.LocationName), member)
		if field := upperFirst(member); wire != field {
			t[name] = append(t[name], field+"="+wire)
		}
	}
}

// responses adds what is written otherwise in answers: the location name, else
// the member's own, and the elements of lists.
func (t nameTable) responses(m *model, name string, s *shape) {
	for _, member := range s.Members.names {
		r := s.Members.refs[member]
		field, wire := upperFirst(member), cmp.Or(r.LocationName, member)
		item := "item"
		if list := m.Shapes[r.Shape]; list.Type == "list" {
			item = cmp.Or(list.Member.LocationName, "member")
		}
		e := field + ">"
		if wire != lowerFirst(field) {
			e += wire
		}
		if item != "item" {
			e += "," + item
		}
		if e != field+">" {
			t[name] = append(t[name], e)
		}
	}
}

func capitalised(s string) string {
	if s == "" {
		return ""
	}
	return upperFirst(s)
}
