package controlplane_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
)

// roleName tells this binary, started again, whom it plays.
const roleName = "NEARGATE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleName) {
	case "kube":
		os.Exit(playKube())
	case "emulator":
		os.Exit(playEmulator())
	}
	os.Exit(m.Run())
}

// kube plays neargate-kube. What it does follows from the cluster's name, as
// "dies-2": how many lives of it die before one goes well.
type kube struct {
	config   link.Config
	life     int // 1 is the first
	listener net.Listener
	settings chan link.Settings
}

func playKube() int {
	in := json.NewDecoder(os.Stdin)
	k := &kube{settings: make(chan link.Settings, 10)}
	if err := in.Decode(&k.config); err != nil {
		fmt.Fprintln(os.Stderr, "no configuration:", err)
		return 2
	}
	k.life = countLife(k.config.Dir)
	ctx, cancel := context.WithCancel(context.Background())
	if k.is("stubborn") {
		signal.Ignore(syscall.SIGTERM)
	} else {
		ctx, cancel = signal.NotifyContext(ctx, syscall.SIGTERM)
		go func() {
			_, _ = io.Copy(io.Discard, io.MultiReader(in.Buffered(), os.Stdin))
			cancel()
		}()
	}
	defer cancel()
	return k.play(ctx)
}

func (k *kube) is(role string) bool { return strings.HasPrefix(k.config.Name, role) }

// bad tells whether this life is one of those that go wrong.
func (k *kube) bad() bool {
	_, n, _ := strings.Cut(k.config.Name, "-")
	lives, err := strconv.Atoi(n)
	return err != nil || k.life <= lives
}

func countLife(dir string) int {
	f, err := os.OpenFile(filepath.Join(dir, "lives"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	fmt.Fprint(f, "x")
	b, err := os.ReadFile(f.Name())
	if err != nil {
		panic(err)
	}
	return len(b)
}

func (k *kube) play(ctx context.Context) int {
	fmt.Fprintf(os.Stdout, "junk \xff\x00 without an end")
	fmt.Fprintln(os.Stderr, "\n"+strings.Repeat("long ", 20_000))
	if k.is("exits") && k.bad() {
		fmt.Fprintln(os.Stderr, `{"level":"info","component":"kube-apiserver","message":"starting"}`)
		fmt.Fprintln(os.Stderr, `{"level":"error","message":"cannot open the database","error":"disk full"}`)
		return 3
	}
	var err error
	if k.listener, err = net.Listen("tcp", k.config.Listen); err != nil {
		fmt.Fprintln(os.Stderr, "listen:", err)
		return 4
	}
	go answerAPI(k.listener, k.config.Name)
	l, err := link.Listen(k.config.ChildSocket)
	if err != nil {
		fmt.Fprintln(os.Stderr, "link:", err)
		return 5
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if k.is("dies") && k.bad() {
		go func() {
			if _, ok := <-k.settings; ok { // when it is told to
				os.Exit(6)
			}
		}()
	}
	if err := link.Serve(ctx, l, link.ServeChild(k)); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		return 7
	}
	return 0
}

// answerAPI stands for the Kubernetes API: it says which cluster it is.
func answerAPI(l net.Listener, name string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.WriteString(c, name)
		c.Close()
	}
}

func (k *kube) Configure(_ context.Context, s link.Settings) error {
	k.settings <- s
	return nil
}

func (k *kube) Watch(ctx context.Context) iter.Seq2[link.Status, error] {
	return func(yield func(link.Status, error) bool) {
		s := link.Status{
			Phase: link.Starting, Progress: "playing", Address: k.listener.Addr().String(), CA: []byte("ca of " + k.config.ID),
			Version: k.config.Version, Settings: k.config.Settings.Revision,
		}
		if !yield(s, nil) {
			return
		}
		switch {
		case k.is("silent") && k.bad():
			<-ctx.Done()
			return
		case k.is("refuses"):
			s.Phase, s.Error = link.Failed, "this version cannot be"
		default:
			s.Phase, s.ReadyAt = link.Ready, time.Now()
		}
		if !yield(s, nil) {
			return
		}
		for {
			select {
			case n := <-k.settings:
				s.Settings = n.Revision
				if !yield(s, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (k *kube) Why(_ context.Context, pod string) ([]string, error) {
	return []string{fmt.Sprintf("%s in its life %d, process %d: %s", k.config.Name, k.life, os.Getpid(), pod)}, nil
}

func (k *kube) Keys(ctx context.Context) ([]byte, error) {
	if k.is("deaf") && k.bad() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return []byte(`{"keys":[]}`), nil
}

func (k *kube) Log(context.Context, io.Writer) error { return nil }
