package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// model is as much of a botocore service model as the tables need.
type model struct {
	Operations map[string]struct {
		Input  *ref `json:"input"`
		Output *ref `json:"output"`
	} `json:"operations"`
	Shapes map[string]*shape `json:"shapes"`
}

type shape struct {
	Type     string   `json:"type"`
	Members  members  `json:"members"`
	Required []string `json:"required"`
	Member   *ref     `json:"member"`
	Key      *ref     `json:"key"`
	Value    *ref     `json:"value"`
	Min      *float64 `json:"min"`
	Max      *float64 `json:"max"`
	Pattern  string   `json:"pattern"`
	Enum     []string `json:"enum"`
}

type ref struct {
	Shape        string `json:"shape"`
	LocationName string `json:"locationName"`
	QueryName    string `json:"queryName"`
}

// members keeps the order of the model, in which violations are told.
type members struct {
	names []string
	refs  map[string]*ref
}

func (m *members) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &m.refs); err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		m.names = append(m.names, name.(string))
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			return err
		}
	}
	return nil
}

// loadModel reads the newest version of a service's model.
func loadModel(dir, service string) (*model, error) {
	if dir == "" || service == "" {
		return nil, fmt.Errorf("-botocore and -service are needed")
	}
	files, err := filepath.Glob(filepath.Join(dir, "data", service, "*", "service-2.json.gz"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no model of %q in %s", service, dir)
	}
	slices.Sort(files)
	f, err := os.Open(files[len(files)-1])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	m := &model{}
	if err := json.NewDecoder(z).Decode(m); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return m, nil
}

// operations returns the names of all operations, sorted.
func (m *model) operations() []string {
	names := make([]string, 0, len(m.Operations))
	for name := range m.Operations {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// walk visits the structures that a shape holds, itself last, each once.
func (m *model) walk(name string, seen map[string]bool, visit func(name string, s *shape)) {
	s := m.Shapes[name]
	if s == nil || seen[name] {
		return
	}
	seen[name] = true
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil {
			m.walk(r.Shape, seen, visit)
		}
	}
	for _, member := range s.Members.names {
		m.walk(s.Members.refs[member].Shape, seen, visit)
	}
	if s.Type == "structure" {
		visit(name, s)
	}
}

// walkMembers visits what a structure holds, not itself: Go's SDK names the
// structures of inputs and outputs after their operation.
func (m *model) walkMembers(name string, seen map[string]bool, visit func(name string, s *shape)) {
	s := m.Shapes[name]
	for _, member := range s.Members.names {
		m.walk(s.Members.refs[member].Shape, seen, visit)
	}
}

// upperFirst is how the Go SDK names the field of a member.
func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
