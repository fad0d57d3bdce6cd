package ec2

import (
	"errors"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// resource says what one kind of resource is: where it is stored, how it is
// named in ids, ARNs and errors, and by what it can be filtered. Its key in
// the store is its ARN.
type resource[T any] struct {
	table  *store.Table[T]
	kind   string // in ARNs and tag specifications, such as "route-table"
	prefix string // of ids, such as "rtb-"
	id     func(*T) *string
	tags   func(*T) *[]types.Tag
	fields fields[T]

	noun      string                    // in "The routeTable ID 'rtb-x' does not exist"
	notFound  string                    // error code for an id that does not exist
	malformed string                    // error code for an id that cannot exist
	absent    func(ids []string) string // the text, where it is not built from noun
}

// check refuses an id that does not have this kind's form.
func (r *resource[T]) check(id string) error {
	if !wellFormed(r.prefix, id) {
		return fail(r.malformed, "Invalid id: %q (expecting %q)", id, r.prefix+"...")
	}
	return nil
}

// unknown is the error for ids that do not exist.
func (r *resource[T]) unknown(ids ...string) error {
	switch {
	case r.absent != nil:
		return fail(r.notFound, "%s", r.absent(ids))
	case len(ids) == 1:
		return fail(r.notFound, "The %s ID '%s' does not exist", r.noun, ids[0])
	}
	return fail(r.notFound, "The %s IDs '%s' do not exist", r.noun, strings.Join(ids, ", "))
}

// get returns the resource with that id, or an error in EC2's words.
func (r *resource[T]) get(tx *store.Tx, p place, id string) (*T, error) {
	if err := r.check(id); err != nil {
		return nil, err
	}
	rec, err := r.table.Get(tx, p.arn(r.kind, id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, r.unknown(id)
	}
	if err != nil {
		return nil, err
	}
	return &rec.Value, nil
}

// look is get for whoever only reads: what it returns is shared with all
// readers, and nobody may write into it.
func (r *resource[T]) look(tx *store.Tx, p place, id string) (*T, error) {
	if err := r.check(id); err != nil {
		return nil, err
	}
	v, _, err := r.table.Peek(tx, p.arn(r.kind, id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, r.unknown(id)
	}
	return v, err
}

// lookBy is by for whoever only reads.
func (r *resource[T]) lookBy(tx *store.Tx, p place, index, value string) iter.Seq2[*T, error] {
	return r.table.PeekBy(tx, index, value, store.Range{Prefix: p.arn(r.kind, "")})
}

func (r *resource[T]) put(tx *store.Tx, p place, v *T) error {
	return r.table.Put(tx, p.arn(r.kind, aws.ToString(r.id(v))), v)
}

func (r *resource[T]) delete(tx *store.Tx, p place, id string) error {
	return r.table.Delete(tx, p.arn(r.kind, id))
}

// all yields every resource of this kind here, by id.
func (r *resource[T]) all(tx *store.Tx, p place) iter.Seq2[*T, error] {
	return values(r.table.All(tx, store.Range{Prefix: p.arn(r.kind, "")}))
}

// by yields the resources that an index leads to, by id. Ids are random enough
// to be unique, but indexes hold all places, so the place is checked.
func (r *resource[T]) by(tx *store.Tx, p place, index, value string) iter.Seq2[*T, error] {
	return values(r.table.By(tx, index, value, store.Range{Prefix: p.arn(r.kind, "")}))
}

// list is by, gathered.
func (r *resource[T]) list(tx *store.Tx, p place, index, value string) ([]T, error) {
	return collect(r.by(tx, p, index, value))
}

func values[T any](records iter.Seq2[store.Record[T], error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for rec, err := range records {
			if !yield(&rec.Value, err) {
				return
			}
		}
	}
}

func collect[T any](seq iter.Seq2[*T, error]) ([]T, error) {
	var all []T
	for v, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, *v)
	}
	return all, nil
}
