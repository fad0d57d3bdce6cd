package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCodeRange(t *testing.T) {
	for line, code := range map[string]bool{
		"00403000-00e79000 r-xp 00003000 fe:00 10445006   /usr/bin/neargate":     true,
		"00e79000-01e94000 r--p 00a79000 fe:00 10445006   /usr/bin/neargate":     true,
		"01e97000-01f03000 rw-p 01a97000 fe:00 10445006   /usr/bin/neargate":     false, // written to
		"7f0000000-7f0001000 rw-s 00000000 fe:00 12       /data/neargate.db-shm": false,
		"7f0000000-7f0001000 r--s 00000000 fe:00 12       /data/neargate.db-shm": false,
		"c000000000-c000400000 rw-p 00000000 00:00 0 ":                           false,
		"7fff0000-7fff2000 r-xp 00000000 00:00 0          [vdso]":                false,
		"zz-7fff2000 r-xp 00000000 00:00 12               /lib/x":                false,
	} {
		from, to := codeRange(strings.Fields(line))
		if (from < to) != code {
			t.Errorf("%s: %x to %x", line, from, to)
		}
	}
}

// What was mapped out works as before, and counts no more.
func TestForgetPages(t *testing.T) {
	before := mappedBytes()
	forgetPages()
	after := mappedBytes()
	t.Logf("%d KiB before, %d KiB after", before>>10, after>>10)
	if after >= before || after <= 0 {
		t.Errorf("%d KiB before, %d KiB after", before>>10, after>>10)
	}
}

func TestQuietEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served := 0
		q := &quiet{next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ })}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); q.run(ctx) }()
		time.Sleep(time.Minute)
		q.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		time.Sleep(time.Minute)
		cancel()
		<-ended
		if served != 1 || q.requests.Load() != 1 {
			t.Errorf("%d served, %d counted", served, q.requests.Load())
		}
	})
}
