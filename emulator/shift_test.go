package emulator

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// slowWorker takes its time to leave when it is taken off.
type slowWorker struct {
	leaves time.Duration
	log    *[]string
	fault  error
}

func (w slowWorker) Run(ctx context.Context) error {
	*w.log = append(*w.log, "works")
	if w.fault != nil {
		return w.fault
	}
	<-ctx.Done()
	time.Sleep(w.leaves) // virtual
	*w.log = append(*w.log, "has left")
	return ctx.Err()
}

// TestShift: an errand is done when the worker has left, and another worker
// comes after it.
func TestShift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShift()
		var log []string
		errand := func(name string) func(context.Context) error {
			return func(context.Context) error {
				log = append(log, name)
				time.Sleep(time.Second)
				log = append(log, name+" done")
				return nil
			}
		}
		if err := s.inPlace(t.Context(), errand("alone")); err != nil {
			t.Error(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		if !s.begin(ctx) {
			t.Fatal("no turn")
		}
		ended := make(chan error, 1)
		go func() {
			defer s.end()
			ended <- s.work(ctx, func() worker { return slowWorker{leaves: time.Minute, log: &log} })
		}()
		synctest.Wait()
		both := make(chan error, 2)
		for range 2 {
			go func() { both <- s.inPlace(t.Context(), errand("errand")) }()
		}
		for range 2 {
			if err := <-both; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("work: %v", err)
		}
		want := []string{
			"alone", "alone done", "works", "has left", "errand", "errand done", "works", "has left", "errand", "errand done", "works", "has left",
		}
		if !slices.Equal(log, want) {
			t.Fatalf("got  %q\nwant %q", log, want)
		}
		if err := s.inPlace(t.Context(), errand("after")); err != nil {
			t.Errorf("when nobody works any more: %v", err)
		}
	})
}

// TestShiftGivenUp: who does not wait for his errand leaves it to be done;
// while he waits for the turn he can leave too.
func TestShiftGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShift()
		var log []string
		ctx, stop := context.WithCancel(t.Context())
		s.begin(ctx)
		ended := make(chan error, 1)
		go func() {
			defer s.end()
			ended <- s.work(ctx, func() worker { return slowWorker{leaves: time.Minute, log: &log} })
		}()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := false
		if err := s.inPlace(short, func(ctx context.Context) error { done = ctx.Err() == nil; return ctx.Err() }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("inPlace: %v", err)
		}
		if s.begin(short) {
			t.Error("a turn while another works")
		}
		if err := s.inPlace(short, func(context.Context) error { t.Error("done without a turn"); return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("inPlace while the worker leaves: %v", err)
		}
		time.Sleep(2 * time.Minute)
		stop()
		<-ended
		if !done {
			t.Error("the errand was not done")
		}
	})
}

// TestShiftFault: a worker that fails ends the work.
func TestShiftFault(t *testing.T) {
	s := newShift()
	var log []string
	fault := errors.New("fault")
	if err := s.work(t.Context(), func() worker { return slowWorker{log: &log, fault: fault} }); err != fault {
		t.Errorf("work: %v", err)
	}
}
