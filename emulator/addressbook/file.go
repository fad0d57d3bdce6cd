package addressbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
)

// file is the path of a book, "" for one that is not kept.
type file string

// read reads a book. One that a crash of the machine has left half written is
// begun anew: owners come to the same addresses by their names.
func (f file) read() (map[netip.Addr]string, error) {
	if f == "" {
		return nil, nil
	}
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the book of addresses: %w", err)
	}
	var kept map[netip.Addr]string
	if json.Unmarshal(text, &kept) != nil {
		return nil, nil
	}
	return kept, nil
}

// write replaces the file at once.
func (f file) write(owners map[netip.Addr]string) error {
	text, err := json.MarshalIndent(owners, "", " ")
	if err != nil {
		return err
	}
	next := string(f) + ".new"
	if err := os.WriteFile(next, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(next, string(f))
}

// save writes the book down as it is.
func (b *Book) save() {
	if b.file == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock() // the file's order is the book's
	if err := b.file.write(b.owners); err != nil {
		b.log.Error().Err(err).Str("file", string(b.file)).Msg("the book of addresses cannot be written: they may be others after a restart")
	}
}
