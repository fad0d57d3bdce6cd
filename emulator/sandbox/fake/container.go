package fake

import (
	"fmt"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// maxLines is how much of a container's output is kept.
const maxLines = 10000

// container is one container: its newest attempt.
type container struct {
	sandbox.ObservedContainer
	box    *box
	script *script
	asks   *sandbox.Message
	ports  []sandbox.Port
	out    *output
	before *output       // of the attempt before, when that was another container
	timers []*time.Timer // of the running attempt
	ended  chan struct{} // closed at the end; nil until somebody waits
	ticks  int
	signal bool // its stop signal was sent
	has    sandbox.Resources
}

// output is what a container has written.
type output struct {
	lines []sandbox.LogLine
	drop  int           // lines that were dropped from the front
	more  chan struct{} // closed when something changes; nil until somebody waits
	done  bool
}

func (o *output) wake() {
	if o.more != nil {
		close(o.more)
		o.more = nil
	}
}

// wait gives the channel that is closed at the next change.
func (o *output) wait() <-chan struct{} {
	if o.more == nil {
		o.more = make(chan struct{})
	}
	return o.more
}

// write adds a line; no two lines of a container have the same time.
func (c *container) write(text string, stderr bool) {
	o := c.out
	at := stamp()
	if n := len(o.lines); n > 0 && !at.After(o.lines[n-1].At) {
		at = o.lines[n-1].At.Add(time.Nanosecond)
	}
	o.lines = append(o.lines, sandbox.LogLine{At: at, Text: text, Stderr: stderr})
	if len(o.lines) > maxLines {
		o.lines = o.lines[1:]
		o.drop++
	}
	o.wake()
}

// print writes what the script says is written at once.
func (c *container) print() {
	for _, l := range c.script.stdout {
		c.write(l, false)
	}
	for _, l := range c.script.stderr {
		c.write(l, true)
	}
}

// begin starts an attempt that has been made ready.
func (st *State) begin(c *container) {
	c.StartedAt, c.FinishedAt, c.ExitCode, c.OOMKilled = stamp(), time.Time{}, 0, false
	c.Message = ""
	c.State, c.signal, c.ticks = sandbox.ContainerRunning, false, 0
	c.out.done = false
	c.print()
	if c.script.logEvery > 0 {
		st.tick(c)
	}
	if after, oom, ever := c.script.ends(); ever {
		st.later(c, after, func() { st.finish(c, oom) })
	}
	st.tell(c.box.id)
}

// finish ends a container as its script says.
func (st *State) finish(c *container, oom bool) {
	if oom {
		c.box.oomKills++
		st.end(c, 137, true)
		return
	}
	st.end(c, c.script.exitCode(), false)
}

// later does something to a container that then still runs the same attempt.
// At once means within this very call.
func (st *State) later(c *container, after time.Duration, f func()) {
	if after <= 0 {
		f()
		return
	}
	attempt := c.Attempt
	c.timers = append(c.timers, time.AfterFunc(after, func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		if c.State == sandbox.ContainerRunning && c.Attempt == attempt {
			f()
		}
	}))
}

// tick writes lines at an interval.
func (st *State) tick(c *container) {
	var t *time.Timer
	t = time.AfterFunc(c.script.logEvery, func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		if c.State != sandbox.ContainerRunning {
			return
		}
		c.ticks++
		c.write(fmt.Sprintf("tick %d", c.ticks), false)
		t.Reset(c.script.logEvery)
	})
	c.timers = append(c.timers, t)
}

// end ends the running attempt.
func (st *State) end(c *container, code int, oom bool) {
	c.ExitCode, c.OOMKilled = code, oom
	c.Message = c.leaves()
	c.halt()
	st.tell(c.box.id)
}

// halt makes a container one that does not run, whatever it was.
func (c *container) halt() {
	for _, t := range c.timers {
		t.Stop()
	}
	c.timers = nil
	if c.State == sandbox.ContainerRunning {
		c.State, c.FinishedAt = sandbox.ContainerStopped, stamp()
	}
	if c.ended != nil {
		close(c.ended)
		c.ended = nil
	}
	c.out.done = true
	c.out.wake()
}

// wait gives the channel that is closed when the running attempt ends.
func (c *container) wait() <-chan struct{} {
	if c.ended == nil {
		c.ended = make(chan struct{})
	}
	return c.ended
}
