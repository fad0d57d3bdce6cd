package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// This file reads from an SDK module's source which members are required. The
// SDK is often newer than botocore, and it is the SDK's structs that are
// checked.

// requiredMark is the sentence that the SDK's generator puts behind a
// required member's documentation.
const requiredMark = "This member is required."

// requiredOf returns Go struct → its required fields, for all exported structs
// of a module's root and types packages.
func requiredOf(module string) (map[string][]string, error) {
	var files []string
	for _, pattern := range []string{"api_op_*.go", "types/types.go"} {
		found, err := filepath.Glob(filepath.Join(module, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	required := map[string][]string{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			t, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := t.Type.(*ast.StructType); ok && !strings.HasSuffix(t.Name.Name, "Output") {
				required[t.Name.Name] = requiredFields(s)
			}
			return false
		})
	}
	return required, nil
}

func requiredFields(s *ast.StructType) []string {
	var names []string
	for _, f := range s.Fields.List {
		if len(f.Names) == 1 && strings.Contains(f.Doc.Text(), requiredMark) {
			names = append(names, f.Names[0].Name)
		}
	}
	return names
}

// takeRequired lets the SDK decide what is required in the structs that it
// has: its model is the newer one, and members can become optional.
func (t *constraintTable) takeRequired(required map[string][]string) {
	for name, fields := range required {
		known := map[string]bool{}
		lines := t.lines[name][:0]
		for _, line := range t.lines[name] {
			member, rest, _ := strings.Cut(line, "\t")
			member = strings.TrimSuffix(member, "!")
			if known[upperFirst(member)] = true; slices.Contains(fields, upperFirst(member)) {
				member += "!"
			}
			if rest != "" || strings.HasSuffix(member, "!") {
				lines = append(lines, strings.TrimRight(member+"\t"+rest, "\t"))
			}
		}
		for _, field := range fields {
			if !known[field] {
				lines = append(lines, field+"!")
			}
		}
		if t.lines[name] = lines; len(lines) == 0 {
			delete(t.lines, name)
		}
	}
}
