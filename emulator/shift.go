package emulator

import (
	"context"
)

// shift says who works with the runtime: the sandbox engine, as long as Run
// runs, or for a moment somebody in its place.
//
// Decision: a reset takes the engine off instead of working beside it. A call
// of the engine that is under way when its record is deleted would otherwise
// make a container after the reset has looked for what to remove, and a task
// that is started while a reset removes everything would lose its containers
// to it. What is asked of the APIs meanwhile is recorded and waits.
type shift struct {
	turn    chan struct{} // holds a token while somebody works
	errands chan errand   // taken by work only
}

// errand is what somebody does in the engine's place.
type errand struct {
	do   func(ctx context.Context) error
	done chan error // has room for the answer
}

// worker is what works otherwise: an engine, which is made anew each time.
type worker interface {
	Run(ctx context.Context) error
}

func newShift() shift {
	return shift{turn: make(chan struct{}, 1), errands: make(chan errand)}
}

// begin waits for the turn; false when ctx ended before.
func (s *shift) begin(ctx context.Context) bool {
	select {
	case s.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *shift) end() { <-s.turn }

// work lets workers work until ctx ends or one fails, and does errands between
// one worker and the next.
func (s *shift) work(ctx context.Context, next func() worker) error {
	for {
		e, err := s.workUntilErrand(ctx, next())
		if e == nil {
			return err
		}
		e.done <- e.do(ctx)
	}
}

// workUntilErrand returns nil and the worker's error when that ended by
// itself.
func (s *shift) workUntilErrand(ctx context.Context, w worker) (*errand, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	select {
	case err := <-ended:
		return nil, err
	case e := <-s.errands:
		stop()
		<-ended
		return &e, nil
	}
}

// inPlace does something while nobody else works with the runtime. Where a
// worker had to be taken off, it is done to its end even when ctx ends before.
func (s *shift) inPlace(ctx context.Context, do func(ctx context.Context) error) error {
	e := errand{do: do, done: make(chan error, 1)}
	select {
	case s.errands <- e:
		select {
		case err := <-e.done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	case s.turn <- struct{}{}:
		defer s.end()
		return do(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}
