package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// This file holds the steps that pods need.

func podSteps() map[string]step {
	return map[string]step{
		"listen": {1, listen},
		"udp":    {1, answerDatagrams},
		"ask":    {1, ask},
		"dial":   {1, dial},
		"lookup": {1, lookup},
		"kube":   {1, kube},
		"fail":   {2, failWith},
		"spin":   {1, number(spin)},
		"whoami": {0, whoami},
		"mode":   {1, mode},
		"cat":    {0, func([]string) error { _, err := io.Copy(os.Stdout, os.Stdin); return err }},
		"size":   {0, size},
	}
}

func listen(args []string) error {
	l, err := net.Listen("tcp", ":"+args[0])
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, host) })
	http.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := os.Stat("/tmp/unready"); err == nil {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	http.Handle("GET /files/", http.StripPrefix("/files/", http.FileServer(http.Dir("/"))))
	go func() { fail(http.Serve(l, nil)) }()
	return say([]string{"listening"})
}

func answerDatagrams(args []string) error {
	c, err := net.ListenPacket("udp", ":"+args[0])
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	go func() {
		for b := make([]byte, 1500); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				fail(err)
			}
			if _, err := c.WriteTo(append(b[:n:n], " from "+host...), from); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}()
	return say([]string{"listening"})
}

func ask(args []string) error {
	c, err := net.Dial("udp", args[0])
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, 1500)
	for range 10 { // a datagram may be lost
		if _, err = c.Write([]byte("hello")); err != nil {
			return err
		}
		if err = c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		var n int
		if n, err = c.Read(b); err == nil {
			return say([]string{string(b[:n])})
		}
	}
	return err
}

func dial(args []string) error {
	c, err := net.DialTimeout("tcp", args[0], 5*time.Second)
	if err != nil {
		return err
	}
	return errors.Join(say([]string{"connected"}), c.Close())
}

func lookup(args []string) error {
	all, err := net.LookupHost(args[0])
	if err != nil {
		return err
	}
	slices.Sort(all)
	return say([]string{strings.Join(all, " ")})
}

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

// kube does what every client of Kubernetes does in a pod.
func kube(args []string) error {
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	host := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	r, err := http.NewRequest(http.MethodGet, "https://"+host+args[0], nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+string(token))
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return say([]string{strconv.Itoa(answer.StatusCode)})
}

func failWith(args []string) error {
	code, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if err := os.WriteFile("/dev/termination-log", []byte(args[0]), 0o644); err != nil {
		return err
	}
	os.Exit(code)
	return nil
}

func spin(seconds int) error {
	go func() {
		for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
		}
	}()
	return nil
}

func whoami([]string) error {
	groups, err := os.Getgroups()
	if err != nil {
		return err
	}
	slices.Sort(groups)
	return say([]string{fmt.Sprintf("uid=%d gid=%d groups=%v", os.Getuid(), os.Getgid(), groups)})
}

func mode(args []string) error {
	path, err := filepath.EvalSymlinks(args[0])
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("no owner")
	}
	return say([]string{fmt.Sprintf("%04o %d %d", info.Mode().Perm(), owner.Uid, owner.Gid)})
}
