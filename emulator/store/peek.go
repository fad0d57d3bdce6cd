package store

import (
	"encoding/json"
	"iter"
)

// Peek reads a record without a copy: the value is shared with every other
// reader, and nobody may write into it, nor into anything that it points to.
// It costs no statement and no decoding where the record was read or written
// lately. ErrNotFound when there is none.
//
// Get is for whoever wants to change the value. Options.Audit finds those who
// should have used it.
func (t *Table[T]) Peek(tx *Tx, key string) (value *T, revision int64, err error) {
	e, err := t.there(tx, key)
	if err != nil {
		return nil, 0, err
	}
	if value, err = t.shared(e); err != nil {
		return nil, 0, err
	}
	tx.s.cache.check(e, value)
	return value, e.revision, nil
}

// shared returns the value of an entry, decoded at the first call.
func (t *Table[T]) shared(e *cached) (*T, error) {
	if known := e.value.Load(); known != nil {
		if v, ok := (*known).(*T); ok {
			return v, nil
		}
	}
	v := new(T)
	if err := json.Unmarshal(e.body, v); err != nil {
		return nil, &recordError{t.def.kind, e.key, err}
	}
	if one, ok := e.share(v).(*T); ok {
		return one, nil
	}
	return v, nil // the kind is read as two types
}

// PeekBy lists what By does, with values as from Peek; index "" stands for all
// records.
func (t *Table[T]) PeekBy(tx *Tx, index, value string, r Range) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for key, err := range t.Keys(tx, index, value, r) {
			var v *T
			if err == nil {
				v, _, err = t.Peek(tx, key)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// InsertShared is Insert, after which v is what Peek returns: nobody, the
// caller included, writes into it any more.
func (t *Table[T]) InsertShared(tx *Tx, key string, v *T) error {
	return t.write(tx, key, v, true, absent)
}

// ReplaceShared is Replace of the revision that Peek has told, after which v is
// what Peek returns: nobody, the caller included, writes into it any more.
func (t *Table[T]) ReplaceShared(tx *Tx, key string, revision int64, v *T) error {
	return t.write(tx, key, v, true, still(revision))
}
