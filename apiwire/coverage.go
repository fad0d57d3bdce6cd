package apiwire

import (
	"context"
	"reflect"
	"slices"
	"strings"
)

// Coverage says how much of a service is there.
type Coverage struct {
	Service     string   // signing name
	Implemented []string // sorted
	Missing     []string // operations that AWS has and the API value has not, sorted
}

// Coverage reports on every service, in the order they were given to [New].
// What AWS has is known from [Service.WithOperations] and from routes.
func (h *Handler) Coverage() []Coverage {
	all := make([]Coverage, 0, len(h.services))
	for _, s := range h.services {
		c := Coverage{Service: s.name}
		for name := range s.operations {
			c.Implemented = append(c.Implemented, name)
		}
		slices.Sort(c.Implemented)
		for _, name := range s.known {
			if s.operations[name] == nil {
				c.Missing = append(c.Missing, name)
			}
		}
		all = append(all, c)
	}
	return all
}

// OperationsOf lists the operations of an SDK client such as *ecs.Client,
// sorted. It looks at the client's methods by reflection, which keeps all of
// them in the binary: it is meant for tests and generators.
func OperationsOf(client any) []string {
	var names []string
	t := reflect.TypeOf(client)
	for i := range t.NumMethod() {
		m := t.Method(i)
		if isClientOperation(m) {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return names
}

// isClientOperation tells whether m has the shape
// func(client, context.Context, *XInput, ...func(*Options)) (*XOutput, error).
func isClientOperation(m reflect.Method) bool {
	t := m.Type
	return t.NumIn() == 4 && t.NumOut() == 2 && t.IsVariadic() &&
		t.In(1) == reflect.TypeFor[context.Context]() && t.Out(1) == reflect.TypeFor[error]() &&
		t.In(2).Kind() == reflect.Pointer && strings.TrimSuffix(t.In(2).Elem().Name(), "Input") == m.Name
}
