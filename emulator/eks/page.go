package eks

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
	of    string  // operation, cluster and filters; a token of another one is refused
	max   *int32  // maxResults as given
	token *string // nextToken as given
}

// maxPage is the largest page, and the one that is answered unless a smaller
// one is asked for.
const maxPage = 100

type pageToken struct{ Of, After string }

// page returns the items of one page in the order of their keys, which are
// unique, and the token of the next one, nil on the last. Errors are
// InvalidParameterException.
func page[T any](items []T, key func(T) string, q query) ([]T, *string, error) {
	size := maxPage
	if q.max != nil {
		size = int(*q.max)
	}
	if size < 1 || size > maxPage {
		return nil, nil, about{}.invalid("maxResults must be between 1 and %d", maxPage)
	}
	after, err := q.after()
	if err != nil {
		return nil, nil, err
	}
	sorted := slices.SortedFunc(slices.Values(items), func(a, b T) int { return strings.Compare(key(a), key(b)) })
	if after != "" {
		sorted = slices.DeleteFunc(sorted, func(t T) bool { return key(t) <= after })
	}
	if len(sorted) <= size {
		return append([]T{}, sorted...), nil, nil
	}
	sorted = sorted[:size]
	return sorted, aws.String(q.next(key(sorted[size-1]))), nil
}

// pageOfNames is page of texts that are their own keys.
func pageOfNames(names []string, q query) ([]string, *string, error) {
	return page(names, func(s string) string { return s }, q)
}

// after reads the token; "" when there is none.
func (q query) after() (string, error) {
	if aws.ToString(q.token) == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*q.token)
	var t pageToken
	if err != nil || json.Unmarshal(raw, &t) != nil || t.Of != q.of || t.After == "" {
		return "", about{}.invalid("Invalid nextToken: %s", *q.token)
	}
	return t.After, nil
}

func (q query) next(after string) string {
	raw, err := json.Marshal(pageToken{Of: q.of, After: after})
	if err != nil {
		panic(err) // two strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
