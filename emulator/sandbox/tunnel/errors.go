package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// Kind sorts the errors that cross the tunnel by what they mean to the caller.
type Kind string

const (
	Refused        Kind = "refused"         // nothing listens at the address
	Timeout        Kind = "timeout"         // no answer in time
	Unreachable    Kind = "unreachable"     // no route, or the network said so
	NotFound       Kind = "not_found"       // no such host, socket, cgroup
	Busy           Kind = "busy"            // still in use; may work later
	Denied         Kind = "denied"          // the kernel forbids it
	Invalid        Kind = "invalid"         // the request makes no sense; will never work
	UnknownCommand Kind = "unknown_command" // PID 1 is older than the caller
	Canceled       Kind = "canceled"        // the caller gave up
	Lost           Kind = "lost"            // the stream to PID 1 broke; the outcome is unknown
	Other          Kind = "other"
)

// Error is an error of the other end, or the loss of it. errors.Is finds the
// system error of the same meaning: syscall.ECONNREFUSED for Refused,
// os.ErrDeadlineExceeded for Timeout, fs.ErrNotExist for NotFound,
// syscall.EBUSY for Busy, fs.ErrPermission for Denied, context.Canceled for
// Canceled.
type Error struct {
	Kind Kind   `json:"kind"`
	Text string `json:"text"`
}

func (e *Error) Error() string { return e.Text }

// Timeout makes a Timeout a net.Error that says so.
func (e *Error) Timeout() bool { return e.Kind == Timeout }

// Temporary completes net.Error.
func (e *Error) Temporary() bool { return e.Kind == Timeout || e.Kind == Busy }

// Is reports whether target is the system error that Kind stands for.
func (e *Error) Is(target error) bool {
	switch e.Kind {
	case Refused:
		return target == syscall.ECONNREFUSED
	case Timeout:
		return target == os.ErrDeadlineExceeded || target == context.DeadlineExceeded
	case NotFound:
		return target == fs.ErrNotExist
	case Busy:
		return target == syscall.EBUSY
	case Denied:
		return target == fs.ErrPermission
	case Canceled:
		return target == context.Canceled
	}
	return false
}

// VersionError says that the two ends speak different versions of the
// protocol.
type VersionError struct {
	Local, Remote uint32
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("tunnel: this end speaks protocol version %d, the other end %d: emulator and sandbox must be of one release", e.Local, e.Remote)
}

// toError turns err into what crosses the tunnel; nil stays nil.
func toError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Kind: e.Kind, Text: err.Error()}
	}
	return &Error{Kind: kindOf(err), Text: err.Error()}
}

func kindOf(err error) Kind {
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return NotFound
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return Timeout
	}
	for _, k := range []struct {
		err  error
		kind Kind
	}{
		{syscall.ECONNREFUSED, Refused},
		{syscall.EHOSTUNREACH, Unreachable},
		{syscall.ENETUNREACH, Unreachable},
		{syscall.EBUSY, Busy},
		{syscall.EINVAL, Invalid},
		{context.Canceled, Canceled},
		{context.DeadlineExceeded, Timeout},
		{fs.ErrNotExist, NotFound},
		{fs.ErrPermission, Denied},
	} {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	return Other
}

func errLost(what string) error {
	return &Error{Kind: Lost, Text: "tunnel: the stream to the sandbox ended: " + what}
}
