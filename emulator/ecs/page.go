package ecs

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// query is a question whose answer comes in pages. A token is bound to the
// question: it says behind which key the next page begins, so pages neither
// repeat nor skip what was there all the time, whatever comes and goes between
// two calls.
type query struct {
	of      string  // operation and filters; a token of another one is refused
	max     *int32  // maxResults as given
	token   *string // nextToken as given
	lo, hi  int     // bounds of maxResults
	size    int     // page size when maxResults is not given
	reverse bool    // by descending key
}

type pageToken struct{ Of, After string }

// page returns the items of one page in the order of their keys, which are
// unique, and the token of the next one, nil on the last. Errors are
// InvalidParameterException.
func page[T any](items []T, key func(T) string, q query) ([]T, *string, error) {
	size, err := q.pageSize()
	if err != nil {
		return nil, nil, err
	}
	order := func(a, b string) int { return strings.Compare(a, b) }
	if q.reverse {
		order = func(a, b string) int { return strings.Compare(b, a) }
	}
	sorted := slices.SortedFunc(slices.Values(items), func(a, b T) int { return order(key(a), key(b)) })
	if after, ok, err := q.after(); err != nil {
		return nil, nil, err
	} else if ok {
		sorted = slices.DeleteFunc(sorted, func(t T) bool { return order(key(t), after) <= 0 })
	}
	if len(sorted) <= size {
		return append([]T{}, sorted...), nil, nil
	}
	sorted = sorted[:size]
	return sorted, aws.String(q.next(key(sorted[size-1]))), nil
}

func (q query) pageSize() (int, error) {
	if q.max == nil {
		return q.size, nil
	}
	if n := int(*q.max); n >= q.lo && n <= q.hi {
		return n, nil
	}
	return 0, invalid("maxResults should be between %d and %d", q.lo, q.hi)
}

// after reads the token; ok is false when there is none.
func (q query) after() (key string, ok bool, err error) {
	if aws.ToString(q.token) == "" {
		return "", false, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*q.token)
	var t pageToken
	if err != nil || json.Unmarshal(raw, &t) != nil || t.Of != q.of {
		return "", false, invalid("Invalid token in nextToken.")
	}
	return t.After, true, nil
}

func (q query) next(after string) string {
	raw, err := json.Marshal(pageToken{Of: q.of, After: after})
	if err != nil {
		panic(err) // two strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
