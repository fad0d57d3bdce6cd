package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// Table is the records of one kind, with T as their body in JSON (through T's
// own MarshalJSON and UnmarshalJSON where it has them). A Table holds no state:
// it belongs in a package-level variable of the package that owns the kind, and
// serves every Store.
type Table[T any] struct {
	def     *definition
	indexes []Index[T]
}

// Index finds records by something other than their key; see By.
type Index[T any] struct {
	name   string
	values func(key string, v *T) []string
}

// Record is a stored value.
type Record[T any] struct {
	Key      string
	Revision int64 // of the change that wrote it
	Value    T
}

// NewTable declares the records of a kind, "ecs/task". It panics when two
// indexes have one name or one has none, as that is a mistake in the program.
func NewTable[T any](kind string, indexes ...Index[T]) *Table[T] {
	t := &Table[T]{def: &definition{kind: kind}, indexes: indexes}
	for _, i := range indexes {
		t.def.names = append(t.def.names, i.name)
	}
	slices.Sort(t.def.names)
	if slices.Contains(t.def.names, "") || len(slices.Compact(slices.Clone(t.def.names))) != len(indexes) {
		panic(fmt.Sprintf("store: table %q: index names %q", kind, t.def.names))
	}
	t.def.decode = func(key string, body []byte) ([]pair, error) {
		var v T
		if err := json.Unmarshal(body, &v); err != nil {
			return nil, err
		}
		return t.pairs(key, &v), nil
	}
	return t
}

// By declares an index: values returns what a record is to be found by, from
// what its body keeps. A value of "" is not indexed.
func By[T any](name string, values func(key string, v *T) []string) Index[T] {
	return Index[T]{name: name, values: values}
}

// Kind is the kind of the table's records.
func (t *Table[T]) Kind() string { return t.def.kind }

func (t *Table[T]) pairs(key string, v *T) []pair {
	var out []pair
	for _, i := range t.indexes {
		for _, value := range i.values(key, v) {
			out = append(out, pair{i.name, value})
		}
	}
	return out
}

// Get reads a record; ErrNotFound when there is none.
func (t *Table[T]) Get(tx *Tx, key string) (Record[T], error) {
	e, err := t.there(tx, key)
	if err != nil {
		return Record[T]{}, err
	}
	return t.record(found{key, e.revision, e.body})
}

func (t *Table[T]) there(tx *Tx, key string) (*cached, error) {
	e, err := tx.read(t.def.kind, key)
	if err == nil && e.revision == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, &recordError{t.def.kind, key, err}
	}
	return e, nil
}

func (t *Table[T]) record(f found) (Record[T], error) {
	r := Record[T]{Key: f.key, Revision: f.revision}
	if err := json.Unmarshal(f.body, &r.Value); err != nil {
		return Record[T]{}, &recordError{t.def.kind, f.key, err}
	}
	return r, nil
}

// Put creates or replaces a record, whatever is there. A value that is stored
// byte for byte already makes no change and no new revision.
func (t *Table[T]) Put(tx *Tx, key string, v *T) error {
	return t.write(tx, key, v, false, func(*cached) error { return nil })
}

// Insert creates a record; ErrExists when there is one.
func (t *Table[T]) Insert(tx *Tx, key string, v *T) error {
	return t.write(tx, key, v, false, absent)
}

func absent(e *cached) error {
	if e.revision != 0 {
		return ErrExists
	}
	return nil
}

// Replace writes a record that was read before; ErrStale when it has been
// changed or deleted since.
func (t *Table[T]) Replace(tx *Tx, r Record[T]) error {
	return t.write(tx, r.Key, &r.Value, false, still(r.Revision))
}

func still(revision int64) func(*cached) error {
	return func(e *cached) error {
		if e.revision != revision || e.revision == 0 {
			return ErrStale
		}
		return nil
	}
}

func (t *Table[T]) write(tx *Tx, key string, v *T, shared bool, check func(*cached) error) error {
	fail := func(err error) error { return &recordError{t.def.kind, key, err} }
	if tx.group == nil {
		return fail(ErrReadOnly)
	}
	if key == "" {
		return fail(errors.New("empty key"))
	}
	st, err := tx.state(t.def)
	if err != nil {
		return fail(err)
	}
	old, err := tx.stored(st, recordKey{t.def.kind, key})
	if err == nil {
		err = check(old)
	}
	if err != nil {
		return fail(err)
	}
	is := &cached{recordKey: recordKey{t.def.kind, key}, state: st}
	if is.body, err = encode(v); err != nil {
		return fail(err)
	}
	if is.entries, err = tx.entries(st, t.pairs(key, v)); err != nil {
		return fail(err)
	}
	if shared {
		tx.s.cache.adopt(is, v)
	}
	if err := tx.put(old, is); err != nil {
		return fail(err)
	}
	return nil
}

// Delete removes a record. That there is none is no error.
func (t *Table[T]) Delete(tx *Tx, key string) error {
	if tx.group == nil {
		return &recordError{t.def.kind, key, ErrReadOnly}
	}
	st, err := tx.state(t.def)
	if err != nil {
		return err
	}
	old, err := tx.stored(st, recordKey{t.def.kind, key})
	if err == nil && old.revision != 0 {
		err = tx.remove(old)
	}
	if err != nil {
		return &recordError{t.def.kind, key, err}
	}
	return nil
}

// encode writes a body: JSON on one line, with <, > and & as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// All lists records by key. The loop may write and delete; see Range.
func (t *Table[T]) All(tx *Tx, r Range) iter.Seq2[Record[T], error] {
	return t.records(tx.scan(allPages(t.def.kind, true), r))
}

// By lists the records that have a value in an index, by key.
func (t *Table[T]) By(tx *Tx, index, value string, r Range) iter.Seq2[Record[T], error] {
	return t.records(t.find(tx, index, value, r, true))
}

// Keys lists keys without reading bodies; index "" stands for all records.
func (t *Table[T]) Keys(tx *Tx, index, value string, r Range) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for f, err := range t.find(tx, index, value, r, false) {
			if !yield(f.key, err) {
				return
			}
		}
	}
}

// Count says how many records have a value in an index; index "" stands for
// all records. It is kept, not counted.
func (t *Table[T]) Count(tx *Tx, index, value string) (int, error) {
	st, err := t.indexed(tx, index)
	if err != nil {
		return 0, err
	}
	if st == nil {
		n := 0
		for _, err := range t.find(tx, index, value, Range{}, false) {
			if err != nil {
				return 0, err
			}
			n++
		}
		return n, nil
	}
	if index == "" {
		return tx.counted(st.all, "")
	}
	return tx.counted(st.ids[index], value)
}

func (t *Table[T]) records(rows iter.Seq2[found, error]) iter.Seq2[Record[T], error] {
	return func(yield func(Record[T], error) bool) {
		for f, err := range rows {
			var r Record[T]
			if err == nil {
				r, err = t.record(f)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// indexed returns the table's state, nil when the entries have yet to be built.
func (t *Table[T]) indexed(tx *Tx, index string) (*tableState, error) {
	if index != "" && !slices.Contains(t.def.names, index) {
		return nil, fmt.Errorf("table %s has no index %q", t.def.kind, index)
	}
	return tx.state(t.def)
}

func (t *Table[T]) find(tx *Tx, index, value string, r Range, bodies bool) iter.Seq2[found, error] {
	if index == "" {
		return tx.scan(allPages(t.def.kind, bodies), r)
	}
	st, err := t.indexed(tx, index)
	if err != nil {
		return func(yield func(found, error) bool) { yield(found{}, err) }
	}
	if st == nil {
		return t.filter(tx, pair{index, value}, r)
	}
	return tx.scan(indexPages(t.def.kind, st.ids[index], value, bodies), r)
}

// filter answers for an index that has yet to be built, by looking at every
// record.
func (t *Table[T]) filter(tx *Tx, want pair, r Range) iter.Seq2[found, error] {
	limit := r.Limit
	r.Limit = 0
	return func(yield func(found, error) bool) {
		n := 0
		for f, err := range tx.scan(allPages(t.def.kind, true), r) {
			var pairs []pair
			if err == nil {
				pairs, err = t.def.decode(f.key, f.body)
			}
			if err != nil {
				yield(found{}, err)
				return
			}
			if want.value == "" || !slices.Contains(pairs, want) {
				continue
			}
			if n++; !yield(f, nil) || n == limit {
				return
			}
		}
	}
}
