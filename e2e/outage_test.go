package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sys/unix"
)

// proxy stands between a server and the Docker Engine, and can be cut.
type proxy struct {
	t        *testing.T
	path     string
	target   string
	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{t: t, path: filepath.Join(t.TempDir(), "docker.sock"), target: socket(t), conns: map[net.Conn]bool{}}
	p.mend()
	t.Cleanup(p.cut)
	return p
}

// serve starts a server behind the proxy.
func (p *proxy) serve() *server {
	p.t.Helper()
	s := serve(p.t, "--docker-host", "unix://"+p.path)
	p.t.Cleanup(p.mend) // before the server is emptied
	return s
}

// mend makes the Engine be there.
func (p *proxy) mend() {
	p.t.Helper()
	p.cut()
	l, err := net.Listen("unix", p.path)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // cut
			}
			go p.carry(c)
		}
	}()
}

// cut makes the Engine be away, for open connections too.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		p.listener.Close()
	}
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

func (p *proxy) carry(client net.Conn) {
	engine, err := net.Dial("unix", p.target)
	if err != nil {
		client.Close()
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[engine] = true, true
	p.mu.Unlock()
	go p.copy(engine, client)
	p.copy(client, engine)
}

// copy passes one direction on; the end of it is passed on too, because the
// streams of containers are closed one half at a time.
func (p *proxy) copy(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(*net.UnixConn); ok && err == nil {
		_ = half.CloseWrite() // gone already
		return
	}
	to.Close()
}

// TestDockerAwayUnderLoad: without the Engine no task is called stopped, new
// ones wait, calls are answered; when it is back everything goes on, and what
// has ended meanwhile is told.
func TestDockerAwayUnderLoad(t *testing.T) {
	t.Parallel()
	requireImages(t)
	p := newProxy(t)
	s := p.serve()
	steady := s.run(t, definition("steady", probe("app", "count", "100", "serve")))
	ending := s.run(t, definition("ending", probe("app", "await", "/data/go", "say", "went", "exit", "8"), bystander("other", "serve")))
	steady.running()
	ending.running()
	before := workload(t, steady.id())
	inside, _, _ := strings.Cut(workload(t, ending.id())["app"], " ")

	p.cut()
	docker(t, "kill", "--signal", "SIGKILL", inside)
	var waiting []*task
	for range 3 {
		waiting = append(waiting, s.run(t, definition("waiting", probe("app", "serve"))))
	}
	for _, k := range []*task{steady, ending} {
		if got := k.describe(); aws.ToString(got.LastStatus) != "RUNNING" || got.StopCode != "" {
			t.Errorf("with the Engine away a task is %s, %s", aws.ToString(got.LastStatus), got.StopCode)
		}
	}
	eventually(t, "health and why tell of it", patience, func() error {
		if h := s.health(); h.Problem == "" {
			return fmt.Errorf("health: %+v", h)
		}
		if why := waiting[0].why(); !strings.Contains(why, "will be repeated") {
			return errors.New(why)
		}
		return nil
	})
	for _, k := range waiting {
		if got := k.describe(); aws.ToString(got.DesiredStatus) != "RUNNING" || aws.ToString(got.LastStatus) == "RUNNING" {
			t.Errorf("with the Engine away a new task is %s and shall be %s", aws.ToString(got.LastStatus), aws.ToString(got.DesiredStatus))
		}
	}

	p.mend()
	for _, k := range waiting {
		k.running()
	}
	got := ending.stopped()
	checkStop(t, got, types.TaskStopCodeEssentialContainerExited, essentialExited)
	checkExit(t, got, "app", 137)
	steady.says("app", "serving")
	checkCounted(t, steady.lines("app"), 100)
	if after := workload(t, steady.id()); after["app"] != before["app"] {
		t.Errorf("the container was exchanged or restarted: %v, it was %v", after, before)
	}
}

// TestStartWithoutDocker: the server starts, answers and waits.
func TestStartWithoutDocker(t *testing.T) {
	t.Parallel()
	requireImages(t)
	p := newProxy(t)
	p.cut()
	s := p.serve()
	k := s.run(t, definition("patient", probe("app", "serve")))
	eventually(t, "why tells what is waited for", patience, func() error {
		if why := k.why(); !strings.Contains(why, p.path) {
			return errors.New(why)
		}
		return nil
	})
	p.mend()
	k.running()
}

// TestDiskFull: with no room left writes are refused in AWS's shape and
// change nothing, reads go on, and with room again all is well.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := serveSmall(t, "4m", "--runtime=fake")
	dir := s.dataDir
	client, ctx := ecs.NewFromConfig(s.config()), context.Background()
	if _, err := client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("before")}); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	once := func(o *ecs.Options) { o.RetryMaxAttempts = 1 }
	var refusal error
	for i := 0; refusal == nil; i++ { // the room that SQLite has taken before is used up first
		if i == 500 {
			t.Fatal("500 clusters were kept on a disk without room")
		}
		_, refusal = client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(fmt.Sprint("filling-", i))}, once)
	}
	var refused smithy.APIError
	if !errors.As(refusal, &refused) || refused.ErrorCode() != "ServerException" ||
		!strings.HasPrefix(refused.ErrorMessage(), "Neargate cannot keep its state in "+dir+": database or disk is full") {
		t.Errorf("a full disk is told as: %v", refusal)
	}
	list, err := client.ListClusters(ctx, &ecs.ListClustersInput{}, once)
	if err != nil || len(list.ClusterArns) == 0 {
		t.Errorf("reads do not go on: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, "writes go on with room", 10*time.Second, func() error {
		_, err := client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("after")}, once)
		return err
	})
	s.kill()
	s.start()
	if again, err := client.ListClusters(ctx, &ecs.ListClustersInput{}); err != nil || len(again.ClusterArns) != len(list.ClusterArns)+1 {
		t.Errorf("after a restart there are other clusters: %v, %v", again, err)
	}
}

// serveSmall starts a server whose data directory is a disk of a size.
func serveSmall(t *testing.T, size string, args ...string) *server {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can mount a small disk")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("SKIPPED: a small disk cannot be mounted: %v", err)
	}
	s := &server{t: t, dataDir: dir, args: args, log: &output{}}
	t.Cleanup(func() {
		s.finish()
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s.start()
	return s
}

// fill writes until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); errors.Is(err, unix.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
