package ec2

import (
	"encoding/base64"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// query is what all Describe operations ask for.
type query struct {
	ids     []string
	idsName string // of the parameter that holds ids, for messages
	filters []types.Filter
	max     *int32
	next    *string
}

const (
	minPage = 5 // AWS's limits for MaxResults
	maxPage = 1000
)

// describe answers a query from the store.
func (r *resource[T]) describe(tx *store.Tx, p place, q query) ([]T, *string, error) {
	return r.pick(r.all(tx, p), q)
}

// pick answers a query from resources that come in the order of their ids.
func (r *resource[T]) pick(all iter.Seq2[*T, error], q query) ([]T, *string, error) {
	passes, err := r.fields.filter(q.filters, func(v *T) []types.Tag { return *r.tags(v) })
	if err != nil {
		return nil, nil, err
	}
	after, limit, err := q.page()
	if err != nil {
		return nil, nil, err
	}
	missing, err := r.wanted(q.ids)
	if err != nil {
		return nil, nil, err
	}
	found := []T{}
	for v, err := range all {
		if err != nil {
			return nil, nil, err
		}
		id := aws.ToString(r.id(v))
		delete(missing, id)
		if id > after && (len(q.ids) == 0 || slices.Contains(q.ids, id)) && passes(v) {
			found = append(found, *v)
		}
	}
	if len(missing) > 0 {
		return nil, nil, r.unknown(inOrder(q.ids, missing)...)
	}
	if len(found) <= limit {
		return found, nil, nil
	}
	return found[:limit], pageToken(aws.ToString(r.id(&found[limit-1]))), nil
}

// wanted is the set of ids asked for.
func (r *resource[T]) wanted(ids []string) (map[string]bool, error) {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		if err := r.check(id); err != nil {
			return nil, err
		}
		set[id] = true
	}
	return set, nil
}

func inOrder(ids []string, of map[string]bool) []string {
	var list []string
	for _, id := range ids {
		if of[id] && !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}

// page returns the id that a page begins after and how long it may be.
func (q query) page() (after string, limit int, err error) {
	if q.max == nil && q.next == nil {
		return "", 1 << 30, nil
	}
	if len(q.ids) > 0 && q.max != nil {
		return "", 0, badCombination("The parameter %s cannot be used with the parameter maxResults", q.idsName)
	}
	limit = maxPage
	if q.max != nil {
		if *q.max < minPage {
			return "", 0, invalid("maxResults", number(q.max)[0], "Expecting a value greater than or equal to 5.")
		}
		limit = min(int(*q.max), maxPage)
	}
	if aws.ToString(q.next) == "" {
		return "", limit, nil
	}
	raw, err := base64.URLEncoding.DecodeString(*q.next)
	after, ok := strings.CutPrefix(string(raw), tokenMark)
	if err != nil || !ok {
		return "", 0, fail("InvalidNextToken", "The specified NextToken is not valid.")
	}
	return after, limit, nil
}

// tokenMark opens every page token, so that others are known as such.
const tokenMark = "after:"

func pageToken(id string) *string {
	return aws.String(base64.URLEncoding.EncodeToString([]byte(tokenMark + id)))
}
