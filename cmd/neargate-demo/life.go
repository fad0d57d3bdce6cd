package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// life follows a task through the server's change feed and prints each step
// with its time.
type life struct {
	task  string // id
	out   io.Writer
	began time.Time
}

// change is an event of /_neargate/changes.
type change struct {
	Kind, Key string
	At        time.Time
	What      []string
}

// follow prints until a change's words hold one of the statuses, and returns
// that one. Since is the revision to begin behind.
func (l *life) follow(ctx context.Context, changes <-chan change, until ...string) (string, error) {
	for {
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("waiting for %s: %w", strings.Join(until, " or "), ctx.Err())
		case c, ok := <-changes:
			if !ok {
				return "", fmt.Errorf("the server's change feed ended")
			}
			if c.Key != l.task {
				continue
			}
			l.print(c)
			for _, word := range c.What {
				if slices.Contains(until, word) {
					return word, nil
				}
			}
		}
	}
}

func (l *life) print(c change) {
	if l.began.IsZero() {
		l.began = c.At
	}
	fmt.Fprintf(l.out, "  %s  %+6d ms  %s\n", c.At.Local().Format("15:04:05.000"), c.At.Sub(l.began).Milliseconds(), strings.Join(c.What, ", "))
}

// watch subscribes to the feed. The subscription stands when it returns, so
// nothing that is caused afterwards is missed.
func watch(ctx context.Context, endpoint string) (<-chan change, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/_neargate/changes?kind=sandbox", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	changes := make(chan change, 64)
	go func() {
		defer close(changes)
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var c change
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok || json.Unmarshal([]byte(data), &c) != nil {
				continue
			}
			select {
			case changes <- c:
			case <-ctx.Done():
				return
			}
		}
	}()
	return changes, nil
}
