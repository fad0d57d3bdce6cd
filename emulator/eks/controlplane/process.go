package controlplane

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
)

// process is neargate-kube while it runs.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // after that
}

// drain is how long output is read after the end, when somebody else still
// holds the pipe.
const drain = time.Second

// startProcess starts neargate-kube in a process group of its own, with its
// configuration on a standard input that stays open.
func startProcess(program string, at place, c link.Config, out io.Writer) (*process, error) {
	config, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program)
	cmd.Dir = at.dir
	// The etcd client warns of each of the tries that the API server gives up
	// at its start, by the hundred.
	cmd.Env = append([]string{"ETCD_CLIENT_DEBUG=error"}, append(os.Environ(), markName+"="+at.dir)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = drain
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	if err := writePID(at, cmd.Process.Pid); err != nil {
		p.signal(syscall.SIGKILL)
		return nil, errors.Join(err, cmd.Wait())
	}
	go func() {
		// Blocks when the child does not read; its end ends that. What it could
		// not read it complains about itself.
		_, _ = in.Write(append(config, '\n'))
	}()
	go func() {
		p.err = cmd.Wait()
		_ = os.Remove(at.pid()) // one that stays names a process that is not there
		close(p.ended)
	}()
	return p, nil
}

// signal signals the whole group.
func (p *process) signal(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s) // fails when nobody is left
}

// stop ends the process: SIGTERM, and SIGKILL when grace is over. It returns
// when it has ended.
func (p *process) stop(grace time.Duration) {
	select {
	case <-p.ended: // its number may be somebody else's by now
		return
	default:
	}
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGCONT) // one that was stopped would not hear it
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-p.ended:
		return
	case <-t.C:
	}
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// how tells how it ended, once it has.
func (p *process) how() string {
	switch e, ok := errors.AsType[*exec.ExitError](p.err); {
	case p.err == nil:
		return "has ended, which nobody asked it to"
	case ok:
		return "has ended: " + e.ProcessState.String()
	}
	return "has ended: " + p.err.Error()
}
