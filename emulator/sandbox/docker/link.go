package docker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// greetTimeout is for PID 1's first words.
const greetTimeout = 15 * time.Second

// errNoSandbox is for calls that need a sandbox that is up.
var errNoSandbox = errors.New("the sandbox is not up")

// link keeps the tunnel to one sandbox container up for as long as the
// container runs: at first over the streams it was started with, later over
// those of a bridge process inside it.
type link struct {
	daemon    *daemon
	log       zerolog.Logger
	container string
	metadata  *http.Server // nil: none
	begun     func(*tunnel.Session)
	end       context.CancelFunc
	ended     chan struct{} // closed when there will be no more sessions

	mu      sync.Mutex
	session *tunnel.Session
	changed chan struct{} // closed when session changes
}

// connect begins a link. first is the container's own stream, or nil; begun is
// told of each session, and must return at once.
func (r *Runtime) connect(container string, metadata http.Handler, first *stdio, begun func(*tunnel.Session)) *link {
	ctx, cancel := context.WithCancel(r.life)
	l := &link{
		daemon: r.daemon, log: r.log.With().Str("container", container[:12]).Logger(), container: container, begun: begun,
		end: cancel, ended: make(chan struct{}), changed: make(chan struct{}),
	}
	if metadata != nil {
		l.metadata = &http.Server{Handler: metadata, ReadHeaderTimeout: time.Minute}
	}
	go l.run(ctx, first)
	return l
}

func (l *link) run(ctx context.Context, stream *stdio) {
	defer close(l.ended)
	defer l.end()
	for wait := time.Duration(0); ctx.Err() == nil; {
		s, err := l.greet(ctx, stream)
		stream = nil
		if err == nil {
			wait = 0
			l.use(ctx, s)
			continue
		}
		if hopeless(err) {
			l.log.Debug().Err(err).Msg("sandbox is gone")
			return
		}
		l.log.Debug().Err(err).Msg("sandbox cannot be reached")
		wait = min(max(2*wait, 50*time.Millisecond), 2*time.Second)
		pause(ctx, wait)
	}
}

// hopeless: the container is gone or does not run, or its PID 1 is of another
// release and will stay so.
func hopeless(err error) bool {
	_, version := errors.AsType[*tunnel.VersionError](err)
	return version || errdefs.IsNotFound(err) || errdefs.IsConflict(err)
}

func (l *link) greet(ctx context.Context, stream *stdio) (*tunnel.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	if stream == nil {
		var err error
		if stream, err = l.bridge(ctx); err != nil {
			return nil, err
		}
	}
	return tunnel.Client(ctx, stream)
}

// bridge starts a process in the container that joins its streams with PID 1's
// socket.
func (l *link) bridge(ctx context.Context) (*stdio, error) {
	e, err := l.daemon.ExecCreate(ctx, l.container, client.ExecCreateOptions{
		AttachStdin: true, AttachStdout: true, AttachStderr: true, Cmd: []string{binaryPath, "bridge"},
	})
	if err != nil {
		return nil, err
	}
	a, err := l.daemon.ExecAttach(ctx, e.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, err
	}
	return newStdio(a.HijackedResponse, l.complain), nil
}

// complain passes on what PID 1 says about itself.
func (l *link) complain(text string) {
	l.log.Debug().Str("stderr", strings.TrimSpace(text)).Msg("sandbox says")
}

// use offers the session to callers until it ends.
func (l *link) use(ctx context.Context, s *tunnel.Session) {
	if l.metadata != nil {
		// Ends with the session's listener.
		go func() { _ = l.metadata.Serve(s.Listen(tunnel.ServiceMetadata)) }()
	}
	l.begun(s)
	l.set(s)
	select {
	case <-s.Done():
	case <-ctx.Done():
	}
	l.set(nil)
	s.Close()
}

func (l *link) set(s *tunnel.Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session = s
	close(l.changed)
	l.changed = make(chan struct{})
}

// now returns the session if there is one at this moment.
func (l *link) now() *tunnel.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session
}

// get waits for a session.
func (l *link) get(ctx context.Context) (*tunnel.Session, error) {
	for {
		l.mu.Lock()
		s, changed := l.session, l.changed
		l.mu.Unlock()
		if s != nil {
			return s, nil
		}
		select {
		case <-changed:
		case <-l.ended:
			return nil, errNoSandbox
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the sandbox: %w", ctx.Err())
		}
	}
}

func (l *link) isEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// close ends the link; the container runs on.
func (l *link) close() {
	l.end()
	<-l.ended
	if l.metadata != nil {
		l.metadata.Close()
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
