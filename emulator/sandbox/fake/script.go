package fake

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// script is a container's behaviour. Negative numbers and durations stand for
// "not said".
type script struct {
	runFor, oomAfter, unhealthyAfter                          time.Duration // -1: never
	stopFor, pullFor, startAfter, healthyAfter, logEvery      time.Duration // 0: at once, not at all
	exit, stopExit, execExit                                  int           // -1: not said
	httpStatus                                                int
	pullError, imageLocal, startError, networkError, httpBody string
	createError, message                                      string
	stdout, stderr                                            []string
	ignoreTerm                                                bool
}

// reader takes one variable's value into the script.
type reader func(s *script, v string) error

// readers holds the known variables.
func readers() map[string]reader {
	return map[string]reader{
		"FAKE_RUN_FOR":         duration(func(s *script) *time.Duration { return &s.runFor }),
		"FAKE_OOM_AFTER":       duration(func(s *script) *time.Duration { return &s.oomAfter }),
		"FAKE_UNHEALTHY_AFTER": duration(func(s *script) *time.Duration { return &s.unhealthyAfter }),
		"FAKE_STOP_FOR":        duration(func(s *script) *time.Duration { return &s.stopFor }),
		"FAKE_PULL_FOR":        duration(func(s *script) *time.Duration { return &s.pullFor }),
		"FAKE_START_AFTER":     duration(func(s *script) *time.Duration { return &s.startAfter }),
		"FAKE_HEALTHY_AFTER":   duration(func(s *script) *time.Duration { return &s.healthyAfter }),
		"FAKE_LOG_EVERY":       duration(func(s *script) *time.Duration { return &s.logEvery }),
		"FAKE_EXIT":            number(255, func(s *script) *int { return &s.exit }),
		"FAKE_STOP_EXIT":       number(255, func(s *script) *int { return &s.stopExit }),
		"FAKE_EXEC_EXIT":       number(255, func(s *script) *int { return &s.execExit }),
		"FAKE_HTTP_STATUS":     number(599, func(s *script) *int { return &s.httpStatus }),
		"FAKE_PULL_ERROR":      text(func(s *script) *string { return &s.pullError }),
		"FAKE_IMAGE_LOCAL":     text(func(s *script) *string { return &s.imageLocal }),
		"FAKE_START_ERROR":     text(func(s *script) *string { return &s.startError }),
		"FAKE_CREATE_ERROR":    text(func(s *script) *string { return &s.createError }),
		"FAKE_MESSAGE":         text(func(s *script) *string { return &s.message }),
		"FAKE_NETWORK_ERROR":   text(func(s *script) *string { return &s.networkError }),
		"FAKE_HTTP_BODY":       text(func(s *script) *string { return &s.httpBody }),
		"FAKE_STDOUT":          linesOf(func(s *script) *[]string { return &s.stdout }),
		"FAKE_STDERR":          linesOf(func(s *script) *[]string { return &s.stderr }),
		"FAKE_IGNORE_TERM": func(s *script, v string) (err error) {
			s.ignoreTerm, err = strconv.ParseBool(v)
			return err
		},
	}
}

func duration(field func(*script) *time.Duration) reader {
	return func(s *script, v string) error {
		d, err := time.ParseDuration(v)
		if err == nil && d < 0 {
			err = fmt.Errorf("%q is negative", v)
		}
		*field(s) = d
		return err
	}
}

func number(most int, field func(*script) *int) reader {
	return func(s *script, v string) error {
		n, err := strconv.Atoi(v)
		if err == nil && (n < 0 || n > most) {
			err = fmt.Errorf("%d is not within 0 and %d", n, most)
		}
		*field(s) = n
		return err
	}
}

func text(field func(*script) *string) reader {
	return func(s *script, v string) error { *field(s) = v; return nil }
}

func linesOf(field func(*script) *[]string) reader {
	return func(s *script, v string) error {
		v = strings.ReplaceAll(v, `\n`, "\n")
		*field(s) = strings.Split(strings.TrimSuffix(v, "\n"), "\n")
		return nil
	}
}

// parse reads a container's script out of its environment. The error is a
// *sandbox.StopError: a wrong script never becomes right.
func parse(c *sandbox.Container) (*script, error) {
	s := &script{runFor: -1, oomAfter: -1, unhealthyAfter: -1, exit: -1, stopExit: -1, execExit: -1, httpStatus: 200, httpBody: c.Name + "\n"}
	var known map[string]reader
	for _, e := range c.Env {
		if !strings.HasPrefix(e.Name, "FAKE_") {
			continue
		}
		if known == nil {
			known = readers()
		}
		read, ok := known[e.Name]
		if !ok {
			return nil, refused(c, "unknown variable %s; the fake runtime knows %s", e.Name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := read(s, e.Value); err != nil {
			return nil, refused(c, "%s: %v", e.Name, err)
		}
	}
	return s, nil
}

func refused(c *sandbox.Container, format string, args ...any) error {
	return &sandbox.StopError{Code: failedToStart, Container: c.Name, Reason: "ResourceInitializationError: " + fmt.Sprintf(format, args...)}
}

// exitCode is what it ends with by itself.
func (s *script) exitCode() int { return max(0, s.exit) }

// ends tells after how long it ends by itself.
func (s *script) ends() (after time.Duration, oom, ever bool) {
	after, ever = s.runFor, s.runFor >= 0
	if !ever && s.exit >= 0 {
		after, ever = 0, true
	}
	if s.oomAfter >= 0 && (!ever || s.oomAfter <= after) {
		return s.oomAfter, true, true
	}
	return after, false, ever
}

// healthy tells whether a health check passes at that age.
func (s *script) healthy(age time.Duration) bool {
	return age >= s.healthyAfter && (s.unhealthyAfter < 0 || age < s.unhealthyAfter)
}

// named puts AWS's error name before a text that has none of its own.
func named(name, text string) string {
	head, _, found := strings.Cut(text, ": ")
	if found && strings.HasSuffix(head, "Error") {
		return text
	}
	return name + ": " + text
}
