package eks

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// This file says what may stand in a Fargate profile.

const (
	maxSelectors      = 5
	maxSelectorLabels = 5
	maxProfileName    = 100
	maxNamespace      = 63
)

func checkProfileInput(in *eks.CreateFargateProfileInput) error {
	that := about{cluster: *in.ClusterName, profile: *in.FargateProfileName}
	if err := checkProfileName(that, *in.FargateProfileName); err != nil {
		return err
	}
	if err := checkSelectors(that, in.Selectors); err != nil {
		return err
	}
	return checkTags(that.invalid, in.Tags)
}

func checkProfileName(that about, name string) error {
	odd := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' }
	switch {
	case name == "" || strings.ContainsFunc(name, odd):
		return that.invalid("The Fargate profile name parameter contains invalid characters. It may hold letters, digits, hyphens and underscores only.")
	case utf8.RuneCountInString(name) > maxProfileName:
		return that.invalid("The Fargate profile name parameter can have at most %d characters.", maxProfileName)
	case strings.HasPrefix(name, "eks-"):
		return that.invalid("The fargate profile name starts with the reserved prefix: 'eks-'.")
	}
	return nil
}

func checkSelectors(that about, selectors []types.FargateProfileSelector) error {
	switch {
	case len(selectors) == 0:
		return that.invalid("Fargate Profile requires at least one selector.")
	case len(selectors) > maxSelectors:
		return that.invalid("Request contains more than %d Selectors", maxSelectors)
	}
	for _, s := range selectors {
		if aws.ToString(s.Namespace) == "" {
			return that.invalid("Fargate Profile must have at least one selector with at least one namespace value.")
		}
		if !isNamespace(*s.Namespace) {
			return that.invalid("The namespace provided is invalid.")
		}
		if len(s.Labels) > maxSelectorLabels {
			return that.invalid("Request contains Selector with more than %d Label pairs", maxSelectorLabels)
		}
		for key, value := range s.Labels {
			if !isLabelKey(key) || !isLabelValue(value) {
				return that.invalid("Selector label provided is invalid.")
			}
		}
	}
	return nil
}

// This is what Kubernetes lets names be, with the wildcards * and ? for any
// character: letters and digits at both ends, a few signs between.

func isNamespace(s string) bool { return len(s) <= maxNamespace && isWord(s, false, "-") }

// isWord tells whether a text is letters, digits and wildcards, with signs
// between them too.
func isWord(s string, capitals bool, signs string) bool {
	edge := func(c byte) bool {
		return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '*' || c == '?' || capitals && 'A' <= c && c <= 'Z'
	}
	for i := range len(s) {
		if !edge(s[i]) && strings.IndexByte(signs, s[i]) < 0 {
			return false
		}
	}
	return s != "" && edge(s[0]) && edge(s[len(s)-1])
}

const labelSigns = "-_."

const (
	maxLabel       = 63
	maxLabelDomain = 253
)

// isLabelKey tells whether a text can be a label's key, which may have a
// domain and a slash in front.
func isLabelKey(key string) bool {
	domain, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		domain, name = "", key
	} else if !isWord(domain, false, "-.") || len(domain) > maxLabelDomain {
		return false
	}
	return len(name) <= maxLabel && isWord(name, true, labelSigns)
}

func isLabelValue(value string) bool {
	return value == "" || len(value) <= maxLabel && isWord(value, true, labelSigns)
}
