package iam

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// This file checks policy documents: their form, not their effect.

// AWS's quotas, in characters that are not white space.
const (
	maxTrustPolicy   = 2048
	maxManagedPolicy = 6144
	maxInlinePolicy  = 10240 // all inline policies of a role together
)

// policyUse is what a document is for.
type policyUse int

const (
	identityPolicy policyUse = iota // says what its holder may do
	trustPolicy                     // says who may assume a role
)

// statement is a policy statement as far as its form is checked.
type statement struct {
	Sid                   *string
	Effect                string
	Principal             json.RawMessage
	NotPrincipal          json.RawMessage
	Action, NotAction     words
	Resource, NotResource words
	Condition             map[string]map[string]json.RawMessage
}

// words reads a JSON list of strings, or one string in its place.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(b, &many)
	*w = many
	return err
}

// checkDocument refuses a policy that is not well formed, in IAM's words.
func checkDocument(document string, use policyUse) error {
	var policy struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	switch err := json.Unmarshal([]byte(document), &policy); {
	case err != nil && !json.Valid([]byte(document)):
		return malformed("This policy contains invalid Json")
	case err != nil || len(policy.Statement) == 0:
		return malformed("Syntax errors in policy.")
	case policy.Version != "" && policy.Version != "2012-10-17" && policy.Version != "2008-10-17":
		return malformed("The policy must contain a valid version string")
	}
	statements, err := readStatements(policy.Statement)
	if err != nil || len(statements) == 0 {
		return malformed("Syntax errors in policy.")
	}
	sids := map[string]bool{}
	for _, s := range statements {
		if s.Sid != nil && *s.Sid != "" && sids[*s.Sid] {
			return malformed("Statement IDs (SID) in a single policy must be unique.")
		}
		if s.Sid != nil {
			sids[*s.Sid] = true
		}
		if err := s.check(use); err != nil {
			return err
		}
	}
	return nil
}

// readStatements reads a list of statements or a single one.
func readStatements(raw json.RawMessage) ([]statement, error) {
	var many []statement
	if err := json.Unmarshal(raw, &many); err == nil {
		return many, nil
	}
	var one statement
	err := json.Unmarshal(raw, &one)
	return []statement{one}, err
}

func (s statement) check(use policyUse) error {
	actions := slices.Concat(s.Action, s.NotAction)
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return malformed("Syntax errors in policy.")
	case len(actions) == 0:
		return malformed("Policy statement must contain actions.")
	case len(s.Action) > 0 && len(s.NotAction) > 0 || len(s.Resource) > 0 && len(s.NotResource) > 0:
		return malformed("Syntax errors in policy.")
	}
	for _, a := range actions {
		if a != "*" && !strings.Contains(a, ":") {
			return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
		}
	}
	if use == trustPolicy {
		return s.checkTrust()
	}
	return s.checkIdentity()
}

func (s statement) checkTrust() error {
	switch {
	case len(s.Resource) > 0 || len(s.NotResource) > 0:
		return malformed("Has prohibited field Resource")
	case len(s.Principal) == 0 && len(s.NotPrincipal) == 0:
		return malformed("Missing required field Principal")
	}
	for _, a := range slices.Concat(s.Action, s.NotAction) {
		if vendor, _, _ := strings.Cut(strings.ToLower(a), ":"); a != "*" && vendor != "sts" {
			return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
		}
	}
	return checkPrincipal(s.Principal)
}

// checkPrincipal accepts "*" and {"AWS"|"Service"|"Federated"|"CanonicalUser":
// string or list}.
func checkPrincipal(raw json.RawMessage) error {
	var star string
	if len(raw) == 0 || json.Unmarshal(raw, &star) == nil && star == "*" {
		return nil
	}
	var principals map[string]words
	if err := json.Unmarshal(raw, &principals); err != nil || len(principals) == 0 {
		return malformed("Invalid principal in policy.")
	}
	for kind, who := range principals {
		if !slices.Contains([]string{"AWS", "Service", "Federated", "CanonicalUser"}, kind) || len(who) == 0 {
			return malformed("Invalid principal in policy: %q", kind)
		}
		for _, w := range who {
			if !validPrincipal(kind, w) {
				return malformed("Invalid principal in policy: %q:%q", kind, w)
			}
		}
	}
	return nil
}

// validPrincipal checks the form of a principal. Whether it exists is not
// asked.
func validPrincipal(kind, who string) bool {
	switch kind {
	case "Service":
		return strings.Contains(who, ".")
	case "AWS":
		return who == "*" || strings.HasPrefix(who, "arn:") || len(who) == 12 && strings.Trim(who, "0123456789") == "" || strings.HasPrefix(who, "A") && len(who) >= 16
	}
	return who != ""
}

func (s statement) checkIdentity() error {
	switch {
	case len(s.Principal) > 0 || len(s.NotPrincipal) > 0:
		return malformed("Policy document should not specify a principal.")
	case len(s.Resource) == 0 && len(s.NotResource) == 0:
		return malformed("Policy statement must contain resources.")
	}
	for _, r := range slices.Concat(s.Resource, s.NotResource) {
		if r != "*" && !strings.HasPrefix(r, "arn:") && !strings.HasPrefix(r, "*") {
			return malformed(`Resource %s must be in ARN format or "*".`, r)
		}
	}
	return nil
}

// weight is the length of a document as IAM counts it.
func weight(document string) int {
	n := 0
	for _, r := range document {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// encoded is a document as IAM answers it: percent-encoded (RFC 3986).
func encoded(document string) *string {
	s := strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
	return &s
}
