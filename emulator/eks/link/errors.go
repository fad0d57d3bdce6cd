package link

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// Kinds of errors that both sides understand.
var (
	ErrNotFound     = errors.New("not found")
	ErrConflict     = errors.New("conflict")
	ErrInvalid      = errors.New("invalid")
	ErrUnauthorized = errors.New("unauthorized")
	// ErrAway is for what cannot be reached at the moment: Docker, or the other side.
	ErrAway = errors.New("cannot be reached")
)

// Error is an error that came across the link: the other side's text, and its
// kind, if it was one of the five, for errors.Is.
type Error struct {
	Kind    error
	Message string
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Kind }

// kinds names the kinds on the wire, with the status that an answer has.
var kinds = []struct {
	err    error
	name   string
	status int
}{
	{ErrNotFound, "NotFound", http.StatusNotFound},
	{ErrConflict, "Conflict", http.StatusConflict},
	{ErrInvalid, "Invalid", http.StatusBadRequest},
	{ErrUnauthorized, "Unauthorized", http.StatusUnauthorized},
	{ErrAway, "Away", http.StatusServiceUnavailable},
}

// problem is an error on the wire.
type problem struct {
	Kind    string `json:"kind,omitempty"`
	Message string `json:"message"`
}

// told is an error as the other side shall learn it, and the status for it.
func told(err error) (problem, int) {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return problem{k.name, err.Error()}, k.status
		}
	}
	return problem{"", err.Error()}, http.StatusInternalServerError
}

// err is the error that the other side told.
func (p *problem) err() error {
	e := &Error{Message: p.Message}
	for _, k := range kinds {
		if k.name == p.Kind {
			e.Kind = k.err
		}
	}
	return e
}

// problemOf reads a problem from an answer's body; one that is none (something
// else listens there, or the answer was cut) becomes the message as it is.
func problemOf(body []byte) error {
	var p problem
	if err := json.Unmarshal(body, &p); err != nil || p.Message == "" {
		p = problem{"Away", "the other side answered " + string(body)}
	}
	return p.err()
}

// away tells that the other side could not be reached. When that is because
// ctx ended, errors.Is finds ctx's error as well.
func away(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return &awayError{what + ": " + ctx.Err().Error(), []error{ErrAway, ctx.Err()}}
	}
	return &awayError{what + ": " + err.Error(), []error{ErrAway, err}}
}

type awayError struct {
	text   string
	causes []error
}

func (e *awayError) Error() string { return e.text }

func (e *awayError) Unwrap() []error { return e.causes }
