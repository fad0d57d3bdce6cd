package iam

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/emulator/store"
)

// kind is one kind of resource: where it is stored and how it is told that it
// is not there, or there already.
type kind[T any] struct {
	table  *store.Table[T]
	absent string // "The role with name %s cannot be found."
	taken  string // "Role with name %s already exists."
	tags   func(*T) *[]types.Tag
}

// get returns a resource by its key; name is for the message.
func (k *kind[T]) get(tx *store.Tx, key, name string) (*T, error) {
	r, err := k.table.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noSuch(k.absent, name)
	}
	if err != nil {
		return nil, err
	}
	return &r.Value, nil
}

// add stores a new resource.
func (k *kind[T]) add(tx *store.Tx, key, name string, v *T) error {
	err := k.table.Insert(tx, key, v)
	if errors.Is(err, store.ErrExists) {
		return exists(k.taken, name)
	}
	return err
}

// change reads a resource, changes it and stores it.
func (k *kind[T]) change(tx *store.Tx, key, name string, fn func(*T) error) error {
	v, err := k.get(tx, key, name)
	if err != nil {
		return err
	}
	if err := fn(v); err != nil {
		return err
	}
	return k.table.Put(tx, key, v)
}

// all yields the account's resources of this kind, by key.
func (k *kind[T]) all(tx *store.Tx, h home) iter.Seq2[*T, error] {
	return values(k.table.All(tx, store.Range{Prefix: h.prefix()}))
}

// by yields the account's resources that an index leads to.
func (k *kind[T]) by(tx *store.Tx, h home, index, value string) iter.Seq2[*T, error] {
	return values(k.table.By(tx, index, value, store.Range{Prefix: h.prefix()}))
}

func values[T any](records iter.Seq2[store.Record[T], error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for r, err := range records {
			if !yield(&r.Value, err) {
				return
			}
		}
	}
}

// newID makes a unique id as IAM's: a prefix of four letters that says what it
// is of, and 17 more.
func newID(prefix string) string {
	var b [11]byte
	rand.Read(b[:])
	return prefix + base32.StdEncoding.EncodeToString(b[:])[:17]
}

// within tells whether a path begins with what a list asks for; nothing asked
// means all.
func within(path, prefix *string) bool {
	return prefix == nil || path != nil && strings.HasPrefix(*path, *prefix)
}
