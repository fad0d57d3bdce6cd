// Workload is what the tests of neargate-sandbox run in containers that join
// a sandbox.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	commands := map[string]func([]string) error{
		"serve": serve, "get": get, "times": times, "lookup": lookup, "eat": eat, "orphan": orphan, "host": host, "exit": func([]string) error { return nil },
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve ADDRESS answers HTTP there, and says so when it listens.
func serve(args []string) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	fmt.Println("listening")
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "workload ", r.URL.Path)
	}))
}

// host prints the host name.
func host([]string) error {
	name, err := os.Hostname()
	fmt.Println(name)
	return err
}

// get URL… prints status and body of each.
func get(args []string) error {
	for _, url := range args {
		r, err := http.Get(url)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		fmt.Printf("%d %s\n", r.StatusCode, strings.TrimSpace(string(body)))
	}
	return nil
}

// times N URL prints the median time of N requests, each on a connection of
// its own.
func times(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var all []time.Duration
	for range n {
		began := time.Now()
		r, err := client.Get(args[1])
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		r.Body.Close()
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	fmt.Println(all[len(all)/2])
	return nil
}

// lookup SERVER NAME… prints the addresses that a DNS server has for names.
func lookup(args []string) error {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, args[0])
	}}
	for _, name := range args[1:] {
		addresses, err := r.LookupHost(context.Background(), name)
		if err != nil {
			fmt.Println(name, "error:", err)
			continue
		}
		fmt.Println(name, strings.Join(addresses, " "))
	}
	return nil
}

// eat MIB uses that much memory.
func eat(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	var all [][]byte
	for range n {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
	}
	fmt.Println("ate", len(all), "MiB")
	return nil
}

// orphan leaves a process to PID 1 and waits until nothing is left of it. It
// shares PID 1's process namespace.
func orphan(args []string) error {
	if len(args) > 0 { // the child: leaves a grandchild and goes
		c := exec.Command("/proc/self/exe", "exit")
		if err := c.Start(); err != nil {
			return err
		}
		fmt.Println(c.Process.Pid)
		return nil
	}
	out, err := exec.Command("/proc/self/exe", "orphan", "child").Output()
	if err != nil {
		return err
	}
	left := "/proc/" + strings.TrimSpace(string(out))
	for range 500 {
		if _, err := os.Stat(left); os.IsNotExist(err) {
			fmt.Println("reaped")
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	state, err := os.ReadFile(left + "/stat")
	return fmt.Errorf("still there: %s %w", state, err)
}
