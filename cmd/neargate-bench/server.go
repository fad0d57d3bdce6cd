package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a neargate process that is measured from outside, by plain HTTP:
// an SDK would be measured along with it.
type server struct {
	cmd      *exec.Cmd
	address  string
	client   *http.Client
	started  time.Time
	answered time.Time // the first call
}

// pollEvery leaves the processor to the server that starts.
const pollEvery = 200 * time.Microsecond

// start runs the server until its first answer.
func start(ctx context.Context, binary string, args ...string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{
		address: address,
		client:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		cmd:     exec.CommandContext(ctx, binary, append([]string{"serve", "--listen", address, "--log-level", "error"}, args...)...),
	}
	s.cmd.Stderr = os.Stderr
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.started = time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		if err = s.call("ListClusters", struct{}{}, nil); err == nil {
			s.answered = time.Now()
			return s, nil
		}
		if time.Since(s.started) > 10*time.Second {
			return nil, errors.Join(fmt.Errorf("no answer after 10 s: %w", err), s.stop())
		}
		time.Sleep(pollEvery)
	}
	return nil, ctx.Err()
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// authorization has the shape of a signature, with what is read of one: who,
// where and which service. Whether it is true is looked at only on request.
const authorization = "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=00"

// call makes an ECS call and reads the whole answer.
func (s *server) call(operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return s.send(operation, body, out)
}

func (s *server) send(operation string, body []byte, out any) error {
	r, err := http.NewRequest(http.MethodPost, "http://"+s.address+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("Authorization", authorization)
	answer, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if out == nil && answer.StatusCode == http.StatusOK {
		_, err := io.Copy(io.Discard, answer.Body)
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", operation, answer.Status, text)
	}
	return json.Unmarshal(text, out)
}

// ec2 makes an EC2 call. Calls without a signature's shape are for the default
// region, and EC2's are told by their parameters.
func (s *server) ec2(action string, parameters url.Values, out any) error {
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	maps.Copy(form, parameters)
	answer, err := s.client.PostForm("http://"+s.address+"/", form)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", action, answer.Status, text)
	}
	return xml.Unmarshal(text, out)
}

// memory is the resident memory of the process, in bytes.
func (s *server) memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// stop ends the server and waits for it.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return s.cmd.Wait()
}
