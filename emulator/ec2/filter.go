package ec2

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// This file is about filters: a resource passes when it matches all filters,
// a filter matches when any of the resource's values matches any of the
// filter's. In a filter's value * stands for any characters and ? for one;
// a backslash takes their meaning away.

// maxFilterValues is AWS's limit for one filter.
const maxFilterValues = 200

// fields gives, for each filter a Describe operation knows, the values that a
// resource has for it.
type fields[T any] map[string]func(*T) []string

// filter returns a predicate for the filters; tags may be nil for resources
// that have none. An unknown filter is an error in EC2's words.
func (f fields[T]) filter(filters []types.Filter, tags func(*T) []types.Tag) (func(*T) bool, error) {
	var tests []func(*T) bool
	for _, want := range filters {
		name := aws.ToString(want.Name)
		values := f.values(name, tags)
		switch {
		case name == "":
			return nil, missing("Filter.Name")
		case values == nil:
			return nil, fail("InvalidParameterValue", "The filter '%s' is invalid", name)
		case len(want.Values) == 0:
			return nil, fail("InvalidParameterValue", "The filter '%s' must have at least one value", name)
		case len(want.Values) > maxFilterValues:
			return nil, fail("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		tests = append(tests, func(v *T) bool { return matchAny(want.Values, values(v)) })
	}
	return func(v *T) bool {
		return !slices.ContainsFunc(tests, func(test func(*T) bool) bool { return !test(v) })
	}, nil
}

// values finds the function for a filter's name, nil when there is none.
func (f fields[T]) values(name string, tags func(*T) []types.Tag) func(*T) []string {
	if values, ok := f[name]; ok {
		return values
	}
	if tags == nil {
		return nil
	}
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		return func(v *T) []string { return tagValues(tags(v), key) }
	}
	switch name {
	case "tag-key":
		return func(v *T) []string { return each(tags(v), func(t types.Tag) *string { return t.Key }) }
	case "tag-value":
		return func(v *T) []string { return each(tags(v), func(t types.Tag) *string { return t.Value }) }
	}
	return nil
}

func tagValues(tags []types.Tag, key string) []string {
	var values []string
	for _, t := range tags {
		if aws.ToString(t.Key) == key {
			values = append(values, aws.ToString(t.Value))
		}
	}
	return values
}

func matchAny(patterns, values []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return match(pattern, v) })
	})
}

// match tells whether s matches pattern. It goes back to the last * only, so
// it takes len(pattern)×len(s) steps at most.
func match(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		step, literal := token(pattern, p)
		switch {
		case step > 0 && literal < 0:
			star, mark = p, i
			p++
		case step > 0 && (literal == '?'+wild || literal == int(s[i])):
			p += step
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// wild lifts the ? that stands for any character above the ? that stands for
// itself.
const wild = 1 << 8

// token reads the pattern at p: how many bytes it takes there (0 at its end)
// and which byte it stands for, -1 for any number of any, '?'+wild for any one.
func token(pattern string, p int) (step, literal int) {
	if p >= len(pattern) {
		return 0, 0
	}
	switch c := pattern[p]; {
	case c == '*':
		return 1, -1
	case c == '?':
		return 1, '?' + wild
	case c == '\\' && p+1 < len(pattern):
		return 2, int(pattern[p+1])
	default:
		return 1, int(c)
	}
}

// The functions below turn members of SDK structs into filter values.

func one(s *string) []string {
	if s == nil {
		return nil
	}
	return []string{*s}
}

func flag(b *bool) []string { return []string{strconv.FormatBool(aws.ToBool(b))} }

func number(n *int32) []string {
	if n == nil {
		return nil
	}
	return []string{strconv.Itoa(int(*n))}
}

func word[S ~string](s S) []string {
	if s == "" {
		return nil
	}
	return []string{string(s)}
}

// each gathers one member of every element.
func each[E any](list []E, member func(E) *string) []string {
	var values []string
	for _, e := range list {
		values = append(values, one(member(e))...)
	}
	return values
}

// every gathers the values of every element.
func every[E any](list []E, values func(E) []string) []string {
	var all []string
	for _, e := range list {
		all = append(all, values(e)...)
	}
	return all
}

// none is for filters on what no resource here has.
func none[T any](*T) []string { return nil }
