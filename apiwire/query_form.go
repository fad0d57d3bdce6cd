package apiwire

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file takes a form apart into a tree: "Filter.1.Value.2=x" becomes four
// nodes. All limits on what a client may send are here, so that the readers
// behind it need none.

const (
	maxParameters = 20_000 // of one request
	maxDepth      = 40     // dots in one parameter name; the deepest of EC2 has 12
	maxNodes      = 200_000
)

// formNode is one step of a dotted parameter name.
type formNode struct {
	parent   *formNode
	name     string
	value    string
	given    bool // the parameter was sent, perhaps with an empty value
	children map[string]*formNode
	used     bool // some reader looked at it
}

// formAction names the operation that a form asks for, "" when it names none
// or more than one. What else is wrong with the form is for decode to say.
func formAction(r *request) string {
	form, _ := formOf(r)
	if actions := form["Action"]; len(actions) == 1 {
		return actions[0]
	}
	return ""
}

// formOf returns the parameters of a request, those of the URL and those of
// the body together. It takes them apart itself, because net/url drops what it
// cannot read and a client should hear of that.
func formOf(r *request) (url.Values, error) {
	form, count := url.Values{}, 0
	var err error
	for _, text := range []string{r.URL.RawQuery, string(r.body)} {
		for pair := range strings.SplitSeq(text, "&") {
			if pair == "" {
				continue
			}
			if count++; count > maxParameters {
				return form, malformedQuery("The query string has more than " + strconv.Itoa(maxParameters) + " parameters.")
			}
			k, v, _ := strings.Cut(pair, "=")
			key, value, e := unescapePair(k, v)
			if e != nil {
				err = e
				continue
			}
			form[key] = append(form[key], value)
		}
	}
	if r.form == nil && err == nil {
		r.form = form
	}
	return form, err
}

func unescapePair(k, v string) (key, value string, err error) {
	key, err1 := url.QueryUnescape(k)
	value, err2 := url.QueryUnescape(v)
	if err1 != nil || err2 != nil {
		return "", "", malformedQuery("The query string contains a syntax error: invalid percent-encoding.")
	}
	if !utf8.ValidString(key) || !utf8.ValidString(value) {
		return "", "", malformedQuery("The query string contains a syntax error: invalid UTF-8.")
	}
	return key, value, nil
}

// growForm makes a tree of a form, without the parameters that are not the
// operation's. A parameter sent twice is refused: which of them counts would
// be a guess.
func growForm(form url.Values) (*formNode, error) {
	root, nodes := &formNode{}, 0
	for key, values := range form {
		if isEnvelope(key) {
			continue
		}
		if len(values) > 1 {
			return nil, malformedQuery("The parameter " + key + " is given more than once.")
		}
		if strings.Count(key, ".") > maxDepth {
			return nil, malformedQuery("The query string contains a parameter that is nested too deeply.")
		}
		node := root
		for step := range strings.SplitSeq(key, ".") {
			child := node.children[step]
			if child == nil {
				if nodes++; nodes > maxNodes {
					return nil, malformedQuery("The query string is too complex.")
				}
				child = &formNode{parent: node, name: step}
				node.add(child)
			}
			node = child
		}
		node.value, node.given = values[0], true
	}
	return root, nil
}

func (n *formNode) add(child *formNode) {
	if n.children == nil {
		n.children = map[string]*formNode{}
	}
	n.children[child.name] = child
}

// isEnvelope tells the parameters that belong to the protocol or to the
// signature from the operation's.
func isEnvelope(key string) bool {
	switch key {
	case "Action", "Version", "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp", "SecurityToken":
		return true
	}
	return strings.HasPrefix(key, "X-Amz-")
}

// child returns the node below n of that name, and nil when there is none.
func (n *formNode) child(name string) *formNode {
	c := n.children[name]
	if c != nil {
		c.used = true
	}
	return c
}

// path is the parameter name up to n, for messages.
func (n *formNode) path() string {
	if n.parent == nil || n.parent.parent == nil {
		return n.name
	}
	return n.parent.path() + "." + n.name
}

// items returns the elements of a list in the order of their numbers. Numbers
// may have gaps, as when a client drops an element; the list then closes up.
func (n *formNode) items() ([]*formNode, error) {
	type item struct {
		at   int
		node *formNode
	}
	items := make([]item, 0, len(n.children))
	for name, c := range n.children {
		at, err := strconv.Atoi(name)
		if err != nil || at < 1 || strconv.Itoa(at) != name {
			return nil, malformedInput("The list index " + c.path() + " is not a positive number.")
		}
		c.used = true
		items = append(items, item{at, c})
	}
	slices.SortFunc(items, func(a, b item) int { return a.at - b.at })
	nodes := make([]*formNode, len(items))
	for i, it := range items {
		nodes[i] = it.node
	}
	return nodes, nil
}

// unknown returns a parameter that no reader has looked at, the first in
// alphabetical order, or nil.
func (n *formNode) unknown() *formNode {
	names := make([]string, 0, len(n.children))
	for name := range n.children {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := n.children[name]
		if !c.used {
			return c
		}
		if u := c.unknown(); u != nil {
			return u
		}
	}
	return nil
}

// malformedQuery is the failure for a form that cannot be taken apart.
func malformedQuery(message string) *Failure {
	return &Failure{Code: "MalformedQueryString", Message: message, Status: http.StatusBadRequest}
}

// malformedInput is the failure for a form whose parameters do not have the
// shape that the operation expects.
func malformedInput(message string) *Failure {
	return &Failure{Code: "MalformedInput", Message: message, Status: http.StatusBadRequest}
}
