package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// This file reads what control planes log: JSON, a line each, and what a
// program that crashes writes.

// planeLine is a line as a control plane logs it.
type planeLine struct {
	Time                             time.Time
	Level, Component, Message, Error string
	plain                            bool // it is not JSON: Message is all of it
}

func readPlaneLine(b []byte) planeLine {
	var l planeLine
	if json.Unmarshal(b, &l) != nil {
		return planeLine{plain: true, Message: string(bytes.ToValidUTF8(b, []byte("?")))}
	}
	return l
}

// String is the line as people read it.
func (l planeLine) String() string {
	text := l.Message
	if l.plain {
		return text
	}
	if l.Error != "" {
		text += ": " + l.Error
	}
	if l.Component != "" {
		text = l.Component + ": " + text
	}
	at := ""
	if !l.Time.IsZero() {
		at = l.Time.Local().Format("15:04:05.000 ")
	}
	return fmt.Sprintf("%s%-5s %s", at, l.Level, text)
}

// planeReader cuts what is written to it into lines.
type planeReader struct {
	take func(planeLine) error
	part []byte
}

func (r *planeReader) Write(p []byte) (int, error) {
	r.part = append(r.part, p...)
	for {
		i := bytes.IndexByte(r.part, '\n')
		if i < 0 {
			return len(p), nil
		}
		if err := r.take(readPlaneLine(r.part[:i])); err != nil {
			return 0, err
		}
		r.part = r.part[i+1:]
	}
}

// copyPlaneLog writes a control plane's log for people; of one component, or
// with "" of all.
func (e *Emulator) copyPlaneLog(ctx context.Context, arn, component string, w io.Writer) error {
	return e.services.planes.Log(ctx, arn, &planeReader{take: func(l planeLine) error {
		if component != "" && l.Component != component {
			return nil
		}
		_, err := fmt.Fprintln(w, l)
		return err
	}})
}

// shownErrors is how many of the last errors in a control plane's log `neargate
// why` tells.
const shownErrors = 3

// lastErrors are the last errors that a control plane has logged since it was
// ready, or of one that is not, at all.
func (e *Emulator) lastErrors(ctx context.Context, arn string, since time.Time) []string {
	var last []string
	err := e.services.planes.Log(ctx, arn, &planeReader{take: func(l planeLine) error {
		switch l.Level {
		case "error", "fatal", "panic":
		default:
			return nil
		}
		if l.Time.Before(since) {
			return nil
		}
		last = append(last, "Its log says: "+l.String())
		last = last[max(0, len(last)-shownErrors):]
		return nil
	}})
	if err != nil {
		return []string{"Its log cannot be read: " + err.Error()}
	}
	return last
}
