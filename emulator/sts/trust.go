package sts

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// This file evaluates trust policies: may this caller assume this role? It is
// a function of the policy's text and the request, nothing else.

// request is what a policy sees.
type request struct {
	action  string
	arns    []string            // that the caller is known by: of the session and of its role
	account string              // the caller's
	service string              // the caller is this service, "eks.amazonaws.com"
	issuer  string              // the caller has a token of this provider, by its ARN
	keys    map[string][]string // condition keys in lower case; absent ones are not set
	// anyCondition takes every condition of what is allowed for met.
	anyCondition bool
}

// trusts tells whether a trust policy allows a request: some statement allows
// it and none denies it.
func trusts(policy string, r request) (bool, error) {
	var p struct{ Statement list[statement] }
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		return false, fmt.Errorf("trust policy: %w", err)
	}
	allowed := false
	for _, s := range p.Statement {
		if !s.matches(r) {
			continue
		}
		if s.Effect == "Deny" {
			return false, nil
		}
		allowed = true
	}
	return allowed, nil
}

// TrustsService tells whether a trust policy lets a service assume the role.
// Conditions are left aside: what they are about is not known before the
// service acts.
func TrustsService(policy, service string) (bool, error) {
	return trusts(policy, request{action: "sts:AssumeRole", service: service, anyCondition: true})
}

// list reads a JSON list, or a single value in its place.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(b []byte) error {
	var many []T
	if json.Unmarshal(b, &many) == nil {
		*l = many
		return nil
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*l = list[T]{one}
	return nil
}

type statement struct {
	Effect       string
	Principal    principals
	NotPrincipal *principals
	Action       list[string]
	NotAction    list[string]
	Condition    map[string]map[string]list[scalar]
}

// principals reads {"AWS": …, "Service": …} or "*".
type principals map[string]list[string]

func (p *principals) UnmarshalJSON(b []byte) error {
	var star string
	if json.Unmarshal(b, &star) == nil {
		*p = principals{"AWS": {star}}
		return nil
	}
	var m map[string]list[string]
	err := json.Unmarshal(b, &m)
	*p = m
	return err
}

// scalar reads a string, number or boolean as text.
type scalar string

func (s *scalar) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*s = scalar(fmt.Sprint(v))
	return nil
}

func (s statement) matches(r request) bool {
	if s.NotPrincipal != nil && s.NotPrincipal.include(r) || s.NotPrincipal == nil && !s.Principal.include(r) {
		return false
	}
	named := slices.ContainsFunc(s.Action, func(a string) bool { return wild(strings.ToLower(a), strings.ToLower(r.action)) })
	if len(s.NotAction) > 0 {
		named = !slices.ContainsFunc(s.NotAction, func(a string) bool { return wild(strings.ToLower(a), strings.ToLower(r.action)) })
	}
	return named && (r.anyCondition && s.Effect == "Allow" || s.conditionsMet(r))
}

// include tells whether the caller is among the principals. An account, by its
// id or as its root, means all of its users and roles.
func (p principals) include(r request) bool {
	switch {
	case r.service != "":
		return slices.Contains(p["Service"], r.service) || slices.Contains(p["AWS"], "*")
	case r.issuer != "":
		return slices.Contains(p["Federated"], r.issuer) || slices.Contains(p["AWS"], "*")
	}
	return slices.ContainsFunc(p["AWS"], func(who string) bool {
		return who == "*" || who == r.account || slices.Contains(r.arns, who) ||
			strings.HasPrefix(who, "arn:") && strings.HasSuffix(who, ":iam::"+r.account+":root")
	})
}

func (s statement) conditionsMet(r request) bool {
	for operator, tests := range s.Condition {
		for key, want := range tests {
			if !met(operator, r.keys[strings.ToLower(key)], want) {
				return false
			}
		}
	}
	return true
}

// met evaluates one condition. A key that the request does not have meets
// negated operators and those that end in IfExists only. Operators that are
// not known here are not met.
func met(operator string, have []string, want list[scalar]) bool {
	if _, rest, ok := strings.Cut(operator, ":"); ok && strings.HasPrefix(operator, "For") {
		all := strings.HasPrefix(operator, "ForAllValues:")
		if len(have) == 0 {
			return all
		}
		hits := 0
		for _, h := range have {
			if met(rest, []string{h}, want) {
				hits++
			}
		}
		return hits == len(have) || !all && hits > 0
	}
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	if operator == "Null" {
		return len(want) > 0 && (len(have) == 0) == (want[0] == "true")
	}
	same, negated := comparison(operator)
	if same == nil {
		return false
	}
	if len(have) == 0 {
		return ifExists || negated
	}
	found := slices.ContainsFunc(want, func(w scalar) bool {
		return slices.ContainsFunc(have, func(h string) bool { return same(string(w), h) })
	})
	return found != negated
}

// comparison returns how an operator compares, nil for one that is not known.
func comparison(operator string) (same func(want, have string) bool, negated bool) {
	plain := strings.Replace(operator, "Not", "", 1)
	negated = plain != operator
	switch plain {
	case "StringEquals":
		return func(w, h string) bool { return w == h }, negated
	case "StringEqualsIgnoreCase":
		return strings.EqualFold, negated
	case "StringLike", "ArnLike", "ArnEquals":
		return wild, negated
	case "Bool":
		return strings.EqualFold, negated
	}
	return nil, false
}

// wild matches * and ? as IAM does.
func wild(pattern, s string) bool {
	// path.Match stops * at slashes, so those are put out of its way; brackets
	// and backslashes mean themselves here.
	escape := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `/`, "\x00")
	ok, err := path.Match(escape.Replace(pattern), strings.ReplaceAll(s, "/", "\x00"))
	return ok && err == nil
}
