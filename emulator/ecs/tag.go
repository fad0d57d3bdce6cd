package ecs

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file says what tags may be. Putting them on resources is in
// tag_resource.go.

const (
	maxTags     = 50
	maxTagKey   = 128 // characters
	maxTagValue = 256 // characters
)

// areTagLetters tells whether a text is letters, spaces, numbers and a few signs.
func areTagLetters(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(unicode.In(r, unicode.L, unicode.Z, unicode.N) || strings.ContainsRune("_.:/=+-@", r))
	})
}

// checkTags returns InvalidParameterException when a caller may not give a
// resource these tags.
func checkTags(tags []types.Tag) error {
	if len(tags) > maxTags {
		return invalid("Tags can have a maximum of %d items.", maxTags)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		if err := checkTag(t); err != nil {
			return err
		}
		if seen[*t.Key] {
			return invalid("Duplicate tag keys are not allowed: %s", *t.Key)
		}
		seen[*t.Key] = true
	}
	return nil
}

func checkTag(t types.Tag) error {
	key, value := aws.ToString(t.Key), aws.ToString(t.Value)
	switch {
	case key == "":
		return invalid("Tag key can not be blank.")
	case utf8.RuneCountInString(key) > maxTagKey:
		return invalid("Tag keys can have a maximum of %d characters.", maxTagKey)
	case utf8.RuneCountInString(value) > maxTagValue:
		return invalid("Tag values can have a maximum of %d characters.", maxTagValue)
	case isSystemTag(key) || isSystemTag(value):
		return invalid("Tag keys and values that begin with aws: are reserved: %s", key)
	case !areTagLetters(key) || !areTagLetters(value):
		return invalid("Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, numbers, and _ . / = + - : @")
	}
	return nil
}

func isSystemTag(s string) bool { return len(s) >= 4 && strings.EqualFold(s[:4], "aws:") }

// checkTagCount is the limit after tags were added to others; those of AWS
// itself do not count.
func checkTagCount(tags []types.Tag) error {
	n := 0
	for _, t := range tags {
		if !isSystemTag(aws.ToString(t.Key)) {
			n++
		}
	}
	if n > maxTags {
		return invalid("Tags can have a maximum of %d items.", maxTags)
	}
	return nil
}

// mergeTags puts added over tags: a key that is there gets the new value in
// its place, others come after.
func mergeTags(tags, added []types.Tag) []types.Tag {
	merged := slices.Clone(tags)
	for _, t := range added {
		i := slices.IndexFunc(merged, func(have types.Tag) bool { return aws.ToString(have.Key) == aws.ToString(t.Key) })
		if i < 0 {
			merged = append(merged, t)
		} else {
			merged[i] = t
		}
	}
	return merged
}

// withoutTags returns the tags whose keys are not named.
func withoutTags(tags []types.Tag, keys []string) []types.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t types.Tag) bool { return slices.Contains(keys, aws.ToString(t.Key)) })
}
