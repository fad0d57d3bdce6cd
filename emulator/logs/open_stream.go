package logs

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// OpenStream prepares a stream for a container's output. It makes the stream
// when it is not there, and the group when that is asked for. Errors that
// speak AWS's terms (a *types.ResourceNotFoundException for a missing group)
// will stay until somebody changes something; others may pass.
func (a *API) OpenStream(ctx context.Context, o StreamOptions) (*Writer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p := place{apiwire.PartitionOf(o.Region), o.Account, o.Region}
	w := &Writer{api: a, o: o, name: p.groupARN(o.Group)}
	w.key = streamARN(w.name, o.Stream)
	err := a.store.Update(ctx, "awslogs", func(tx *store.Tx) error {
		if err := o.make(tx, p); err != nil {
			return err
		}
		t, err := readTally(tx, w.key)
		w.at = t.Cursors[o.Cursor]
		return err
	})
	if err != nil {
		return nil, err
	}
	w.arm(nil, w.at.Open.Event)
	return w, nil
}

// What names may be, as in the service's model. A pattern with a length is
// hundreds of kilobytes when it is compiled, which every start would pay for.
const maxName = 512

func isGroupName(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-_/#", r))
	})
}

func isStreamName(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= maxName && !strings.ContainsAny(s, ":*")
}

func (o StreamOptions) check() error {
	if !isGroupName(o.Group) {
		return invalid(`1 validation error detected: Value '%s' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`, o.Group)
	}
	if !isStreamName(o.Stream) {
		return invalid(`1 validation error detected: Value '%s' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*`, o.Stream)
	}
	return nil
}

// make makes what is not there.
func (o StreamOptions) make(tx *store.Tx, p place) error {
	if o.Create {
		if _, err := getGroup(tx, p.groupARN(o.Group)); isNotFound(err) {
			if err := p.createGroup(tx, group{Name: o.Group}); err != nil {
				return err
			}
		}
	}
	_, err := getStream(tx, p.groupARN(o.Group), o.Stream)
	if !isNotFound(err) {
		return err
	}
	return createStream(tx, p.groupARN(o.Group), o.Stream)
}

// isNotFound: a group or stream is not there.
func isNotFound(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}
