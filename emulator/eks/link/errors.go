package link

import "errors"

// Kinds of errors that both sides understand.
var (
	ErrNotFound     = errors.New("not found")
	ErrConflict     = errors.New("conflict")
	ErrInvalid      = errors.New("invalid")
	ErrUnauthorized = errors.New("unauthorized")
	// ErrAway is for what cannot be reached at the moment: Docker, or the other side.
	ErrAway = errors.New("cannot be reached")
)
