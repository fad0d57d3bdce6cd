package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// perform does one thing and tells the outcome in one line.
func perform(what string) string {
	verb, rest, _ := strings.Cut(what, " ")
	s, err := perform1(verb, rest)
	if err != nil {
		return "error: " + err.Error()
	}
	return s
}

func perform1(verb, arg string) (string, error) {
	switch verb {
	case "env":
		return os.Getenv(arg), nil
	case "cwd":
		return os.Getwd()
	case "host":
		return os.Hostname()
	case "pid":
		return fmt.Sprint(os.Getpid()), nil
	case "id":
		return fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()), nil
	case "limit":
		return limit(arg)
	case "caps":
		return processStatus("CapEff")
	case "groups":
		return processStatus("Groups")
	case "seccomp":
		return processStatus("Seccomp")
	case "processes":
		return processes()
	case "stdin":
		b, err := io.ReadAll(os.Stdin)
		return string(b), err
	case "terminal":
		return terminal(arg)
	case "link":
		return os.Readlink(arg)
	case "flags":
		return processStatus("NoNewPrivs")
	case "get":
		return get(arg)
	}
	return file(verb, arg)
}

// file does what concerns one file.
func file(verb, arg string) (string, error) {
	path, text, _ := strings.Cut(arg, " ")
	switch verb {
	case "write":
		return "ok", os.WriteFile(path, []byte(text), 0o644)
	case "read":
		b, err := os.ReadFile(path)
		return string(b), err
	case "mode":
		var st syscall.Stat_t
		if err := syscall.Stat(path, &st); err != nil {
			return "", err
		}
		return fmt.Sprintf("%#o %d:%d", st.Mode&0o7777, st.Uid, st.Gid), nil
	case "fs":
		var st syscall.Statfs_t
		err := syscall.Statfs(path, &st)
		return fmt.Sprintf("%x", st.Type), err
	case "await":
		for range time.Tick(10 * time.Millisecond) {
			if _, err := os.Stat(path); err == nil {
				break
			}
		}
		return "there", nil
	}
	return "", fmt.Errorf("cannot do %q", verb)
}

func limit(name string) (string, error) {
	resources := map[string]int{"nofile": syscall.RLIMIT_NOFILE, "core": syscall.RLIMIT_CORE}
	r, ok := resources[name]
	if !ok {
		return "", fmt.Errorf("no limit %q", name)
	}
	// The Go runtime raises the soft limit of nofile at start; what was given
	// stands in /proc/self/limits only for the parent, so the hard one and the
	// raised soft one are told.
	var l syscall.Rlimit
	err := syscall.Getrlimit(r, &l)
	return fmt.Sprintf("%d:%d", l.Cur, l.Max), err
}

// terminal waits for a size of the terminal, like 132x43.
func terminal(want string) (string, error) {
	deadline := time.After(10 * time.Second)
	for {
		size, err := unix.IoctlGetWinsize(1, unix.TIOCGWINSZ)
		if err != nil {
			return "", err
		}
		if got := fmt.Sprintf("%dx%d", size.Col, size.Row); got == want {
			return got, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			return fmt.Sprintf("%dx%d", size.Col, size.Row), nil
		}
	}
}

func processes() (string, error) {
	all, err := filepath.Glob("/proc/[0-9]*")
	return fmt.Sprint(len(all)), err
}

// processStatus reads one field of /proc/self/status.
func processStatus(field string) (string, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(v), nil
		}
	}
	return "", fmt.Errorf("no field %s", field)
}

// get fetches a URL, patiently: the server may still be starting.
func get(url string) (string, error) {
	c := http.Client{Timeout: 2 * time.Second}
	deadline := time.Now().Add(10 * time.Second)
	for {
		r, err := c.Get(url)
		if err == nil {
			b, err := io.ReadAll(r.Body)
			r.Body.Close()
			return string(b), err
		}
		if time.Now().After(deadline) {
			return "", err
		}
		<-time.After(50 * time.Millisecond)
	}
}
