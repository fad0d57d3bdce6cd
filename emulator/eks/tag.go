package eks

import (
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// This file says what tags may be. Putting them on resources is in
// tag_resource.go.

const (
	maxTags     = 50
	maxTagKey   = 128 // characters
	maxTagValue = 256 // characters
)

func badTags(format string, args ...any) error {
	return &types.BadRequestException{Message: text(format, args)}
}

// checkTags refuses tags that a caller may not give a resource. Create
// operations pass about.invalid as fail, TagResource badTags.
func checkTags(fail func(string, ...any) error, tags map[string]string) error {
	if len(tags) > maxTags {
		return fail("Tags can have a maximum of %d items.", maxTags)
	}
	for key, value := range tags {
		switch {
		case key == "" || utf8.RuneCountInString(key) > maxTagKey:
			return fail("Tag keys must have between 1 and %d characters.", maxTagKey)
		case utf8.RuneCountInString(value) > maxTagValue:
			return fail("Tag values can have a maximum of %d characters.", maxTagValue)
		case isSystemTag(key) || isSystemTag(value):
			return fail("Tag keys and values that begin with aws: are reserved: %s", key)
		case !areTagLetters(key) || !areTagLetters(value):
			return fail("Tags may hold letters, digits, white space and _ . : / = + - @ only: %s", key)
		}
	}
	return nil
}

// givenTags is what a new resource has: never nil, so that answers say {}.
func givenTags(tags map[string]string) map[string]string {
	given := make(map[string]string, len(tags))
	maps.Copy(given, tags)
	return given
}

func isSystemTag(s string) bool { return len(s) >= 4 && strings.EqualFold(s[:4], "aws:") }

// areTagLetters tells whether a text is letters, spaces, numbers and a few signs.
func areTagLetters(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(unicode.In(r, unicode.L, unicode.Z, unicode.N) || strings.ContainsRune("_.:/=+-@", r))
	})
}
