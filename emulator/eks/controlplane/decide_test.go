package controlplane_test

import (
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/eks/controlplane"
)

func TestNext(t *testing.T) {
	type life struct {
		ready    bool
		for_     time.Duration
		hopeless bool
		wait     time.Duration
		giveUp   bool
	}
	for name, c := range map[string]struct {
		tally controlplane.Tally
		lives []life
	}{
		"three failed starts": {controlplane.Tally{}, []life{
			{wait: time.Second}, {wait: 2 * time.Second}, {giveUp: true},
		}},
		"no program": {controlplane.Tally{}, []life{{hopeless: true, giveUp: true}}},
		"no program for one that has been ready": {controlplane.KnownTally(), []life{
			{hopeless: true, wait: time.Second}, {hopeless: true, wait: 2 * time.Second},
		}},
		"ready once is never given up": {controlplane.Tally{}, []life{
			{wait: time.Second}, {wait: 2 * time.Second}, {ready: true, for_: time.Second, wait: 4 * time.Second},
			{wait: 8 * time.Second}, {wait: 16 * time.Second}, {wait: 30 * time.Second}, {wait: 30 * time.Second},
		}},
		"a steady life begins anew": {controlplane.KnownTally(), []life{
			{wait: time.Second}, {wait: 2 * time.Second}, {ready: true, for_: time.Minute, wait: time.Second}, {wait: 2 * time.Second},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, l := range c.lives {
				wait, giveUp := c.tally.Next(l.ready, l.for_, l.hopeless)
				if wait != l.wait || giveUp != l.giveUp {
					t.Fatalf("life %d: wait %v, give up %t; want %v, %t", i, wait, giveUp, l.wait, l.giveUp)
				}
			}
		})
	}
}

func TestParseLine(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := now.Add(-time.Minute)
	for _, c := range []struct {
		line string
		want controlplane.LogLine
		ok   bool
	}{
		{`{"component":"kube-apiserver","message":"a","time":"2026-01-02T03:03:05Z"}`, controlplane.LogLine{At: at, Type: "api", Stream: "kube-apiserver-ab", Text: "a"}, true},
		{`{"component":"audit","time":"2026-01-02T03:03:05Z","event":{"kind":"Event"}}`, controlplane.LogLine{At: at, Type: "audit", Stream: "kube-apiserver-audit-ab", Text: `{"kind":"Event"}`}, true},
		{`{"component":"authenticator","message":"a","error":"b"}`, controlplane.LogLine{At: now, Type: "authenticator", Stream: "authenticator-ab", Text: "a: b"}, true},
		{`{"component":"kube-controller-manager","message":"a"}`, controlplane.LogLine{At: now, Type: "controllerManager", Stream: "kube-controller-manager-ab", Text: "a"}, true},
		{`{"component":"fargate-scheduler","message":"a"}`, controlplane.LogLine{At: now, Type: "scheduler", Stream: "kube-scheduler-ab", Text: "a"}, true},
		{`{"component":"kine","message":"a"}`, controlplane.LogLine{}, false},
		{`{"message":"a"}`, controlplane.LogLine{}, false},
		{`panic: a`, controlplane.LogLine{}, false},
	} {
		if got, ok := controlplane.ParseLine([]byte(c.line), "AB", now); ok != c.ok || got != c.want {
			t.Errorf("%s: %+v %t", c.line, got, ok)
		}
	}
}
