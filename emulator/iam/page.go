package iam

import (
	"encoding/base64"
	"iter"
	"strings"
)

// This file pages lists: they are in the order of their names, and the marker
// of the next page holds the last name of this one.

const defaultPage = 100 // items, when the caller does not say

const markerMark = "after:"

// page is one page of a list.
type page[T any] struct {
	items     []T
	truncated bool
	marker    *string
}

// paged takes a page from items that come in the order of their names.
func paged[T any](seq iter.Seq2[*T, error], name func(*T) string, marker *string, max *int32) (page[T], error) {
	p := page[T]{items: []T{}}
	after, err := afterOf(marker)
	if err != nil {
		return p, err
	}
	limit := defaultPage
	if max != nil {
		limit = int(*max)
	}
	for v, err := range seq {
		if err != nil {
			return p, err
		}
		if marker != nil && strings.ToLower(name(v)) <= after {
			continue
		}
		if len(p.items) == limit {
			last := markerMark + strings.ToLower(name(&p.items[limit-1]))
			next := base64.StdEncoding.EncodeToString([]byte(last))
			p.truncated, p.marker = true, &next
			return p, nil
		}
		p.items = append(p.items, *v)
	}
	return p, nil
}

func afterOf(marker *string) (string, error) {
	if marker == nil {
		return "", nil
	}
	raw, err := base64.StdEncoding.DecodeString(*marker)
	after, ok := strings.CutPrefix(string(raw), markerMark)
	if err != nil || !ok {
		return "", invalid("Invalid Marker.")
	}
	return after, nil
}

// each is a sequence of a slice's elements.
func each[T any](list []T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for i := range list {
			if !yield(&list[i], nil) {
				return
			}
		}
	}
}

// only leaves out what keep does not hold of.
func only[T any](seq iter.Seq2[*T, error], keep func(*T) bool) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for v, err := range seq {
			if err == nil && !keep(v) {
				continue
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// mapped turns items into others.
func mapped[T, U any](items []T, to func(*T) U) []U {
	list := make([]U, 0, len(items))
	for i := range items {
		list = append(list, to(&items[i]))
	}
	return list
}
