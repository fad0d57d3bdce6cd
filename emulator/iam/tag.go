package iam

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/emulator/store"
)

// maxTags is AWS's limit for one resource.
const maxTags = 50

// mergeTags puts more over tags, sorted by key. Keys differ in more than case:
// a key given in other letters replaces the old one.
func mergeTags(tags, more []types.Tag) ([]types.Tag, error) {
	merged := slices.Clone(tags)
	seen := map[string]bool{}
	for _, t := range more {
		key := strings.ToLower(aws.ToString(t.Key))
		if seen[key] {
			return nil, badInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if strings.HasPrefix(key, "aws:") {
			return nil, badInput("Tag keys beginning with aws: are reserved for system use")
		}
		seen[key] = true
		merged = slices.DeleteFunc(merged, func(m types.Tag) bool { return strings.EqualFold(*m.Key, *t.Key) })
		merged = append(merged, types.Tag{Key: t.Key, Value: aws.String(aws.ToString(t.Value))})
	}
	if len(merged) > maxTags {
		return nil, limit("Cannot exceed quota for TagsPerResource: %d", maxTags)
	}
	slices.SortFunc(merged, func(x, y types.Tag) int { return cmp.Compare(*x.Key, *y.Key) })
	return merged, nil
}

// tag adds tags to a resource.
func (k *kind[T]) tag(tx *store.Tx, key, name string, more []types.Tag) error {
	return k.change(tx, key, name, func(v *T) (err error) {
		*k.tags(v), err = mergeTags(*k.tags(v), more)
		return err
	})
}

// untag removes tags by their keys.
func (k *kind[T]) untag(tx *store.Tx, key, name string, keys []string) error {
	return k.change(tx, key, name, func(v *T) error {
		*k.tags(v) = slices.DeleteFunc(slices.Clone(*k.tags(v)), func(t types.Tag) bool {
			return slices.ContainsFunc(keys, func(key string) bool { return strings.EqualFold(key, *t.Key) })
		})
		return nil
	})
}

// tagPage is a page of a resource's tags.
func (k *kind[T]) tagPage(tx *store.Tx, key, name string, marker *string, max *int32) (page[types.Tag], error) {
	v, err := k.get(tx, key, name)
	if err != nil {
		return page[types.Tag]{}, err
	}
	return paged(sortedTags(*k.tags(v)), func(t *types.Tag) string { return *t.Key }, marker, max)
}

// sortedTags yields tags in the order of pages.
func sortedTags(tags []types.Tag) iter.Seq2[*types.Tag, error] {
	return each(slices.SortedFunc(slices.Values(tags), func(x, y types.Tag) int {
		return cmp.Compare(strings.ToLower(*x.Key), strings.ToLower(*y.Key))
	}))
}
