package apiwire

import (
	_ "embed"
	"reflect"
	"strings"
	"sync"
)

// This file knows how EC2 writes its names. They follow no rule that would
// cover them all, so ec2names.txt lists where a name differs from the rule; it
// is made from botocore's model:
//
//	go run ./apiwire/generate ec2names -botocore DIR
//
// A line is a Go struct and its exceptions: Field=RequestName,
// Field>responseName, Field>responseName,item. The rule: a request has the
// Go field's name, an answer the same with a small first letter, and lists
// hold <item>s. A struct that EC2's model does not have says it itself, with a
// tag `ec2:"RequestName,responseName,item"`, any part of which may be empty.

//go:embed ec2names.txt
var ec2NamesText string

// ec2Names is the table, cut into lines when it is first asked.
var ec2Names = sync.OnceValue(func() map[string]string {
	lines := make(map[string]string, 1<<11)
	for line := range strings.Lines(ec2NamesText) {
		if name, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok {
			lines[name] = rest
		}
	}
	return lines
})

// ec2Exception returns what the table says of a field, after its '=' or '>'.
func ec2Exception(owner, field string, mark byte) (string, bool) {
	for e := range strings.FieldsSeq(ec2Names()[owner]) {
		if len(e) > len(field) && e[len(field)] == mark && e[:len(field)] == field {
			return e[len(field)+1:], true
		}
	}
	return "", false
}

func ec2RequestName(owner reflect.Type, f reflect.StructField) string {
	if name, _, _ := strings.Cut(f.Tag.Get("ec2"), ","); name != "" {
		return name
	}
	if name, ok := ec2Exception(owner.Name(), f.Name, '='); ok {
		return name
	}
	return f.Name
}

func ec2ResponseName(owner reflect.Type, f reflect.StructField) (name, item string) {
	name, item = strings.ToLower(f.Name[:1])+f.Name[1:], "item"
	if e, ok := ec2Exception(owner.Name(), f.Name, '>'); ok {
		name, item = splitNames(e, name, item)
	}
	_, tag, _ := strings.Cut(f.Tag.Get("ec2"), ",")
	return splitNames(tag, name, item)
}

// splitNames reads "name,item"; what is empty stays as it was.
func splitNames(s, name, item string) (string, string) {
	n, i, _ := strings.Cut(s, ",")
	if n != "" {
		name = n
	}
	if i != "" {
		item = i
	}
	return name, item
}
