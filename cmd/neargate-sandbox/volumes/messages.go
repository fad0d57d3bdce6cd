//go:build linux

package volumes

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// messageMode lets any user of a container write its message.
const messageMode = 0o666

// MakeMessage makes an empty message; one that is there keeps its text.
func (t *Tree) MakeMessage(m tunnel.MessageFile) error {
	if err := element(m.Name); err != nil {
		return err
	}
	f, err := t.root.OpenFile(filepath.Join(messages, m.Name), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(set(f, messageMode, 0, 0), f.Close())
}

// ReadMessage reads the beginning of a message.
func (t *Tree) ReadMessage(m tunnel.MessageFile) (tunnel.Message, error) {
	if err := element(m.Name); err != nil {
		return tunnel.Message{}, err
	}
	f, err := open(t.root, filepath.Join(messages, m.Name))
	if err != nil {
		return tunnel.Message{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, tunnel.MaxMessage))
	return tunnel.Message{Text: text}, err
}
