// Probe is what the end-to-end tests run inside containers. Its arguments are
// steps, done one after the other; each takes the number of arguments that the
// table of steps says. A step that fails ends the program with exit code 1 and
// says why on stderr.
//
//	say TEXT           write a line
//	count N            write N lines, "line 1" and so on, one every 20 ms
//	exit CODE          end with that code
//	crash FILE N AFTER end with code 9 after a time, unless that has happened N
//	                   times already; the file remembers
//	sleep SECONDS      wait
//	serve              wait until told to stop by SIGTERM, then go on
//	stubborn           ignore SIGTERM from here on
//	forever            wait until killed
//	eat MIB            use that much memory
//	write FILE TEXT    write a file
//	read FILE          write a file's content as a line
//	exists FILE        fail unless the file exists
//	await FILE         wait until the file exists
//	env NAME           write "NAME=value"
//	get URL            GET it and write the body as a line; $NAME in it is replaced
//	poll URL           the same, as soon as the body is not null
//	caller             ask STS who the task is, with the task's own credentials
//	listen PORT        answer HTTP on a port, in the background: / its host name,
//	                   /ready 200 or, while /tmp/unready exists, 503
//	udp PORT           answer datagrams on a port with the host name, in the background
//	ask ADDRESS        send a datagram and write the answer
//	dial ADDRESS       connect by TCP, and close
//	lookup NAME        write the addresses of a name, in order
//	kube PATH          GET of the Kubernetes API with the pod's own token; write the status
//	fail TEXT CODE     write the termination message and end with that code
//	spin SECONDS       use a processor for that long, in the background
//	whoami             write user and groups
//	mode FILE          write a file's permissions, owner and group
//	cat                write what comes on standard input
//	size               write the terminal's rows and columns, and again when they change
//
// Called by the name tar it is as much of tar as `kubectl cp` needs.
package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
)

// step is one thing that the program can do.
type step struct {
	takes int
	do    func(args []string) error
}

func main() {
	steps := map[string]step{
		"say":      {1, say},
		"count":    {1, number(count)},
		"exit":     {1, number(func(code int) error { os.Exit(code); return nil })},
		"crash":    {3, crash},
		"sleep":    {1, number(sleep)},
		"serve":    {0, serve},
		"stubborn": {0, stubborn},
		"forever":  {0, func([]string) error { return sleep(math.MaxInt32) }},
		"eat":      {1, number(eat)},
		"write":    {2, func(args []string) error { return os.WriteFile(args[0], []byte(args[1]), 0o644) }},
		"read":     {1, read},
		"exists":   {1, exists},
		"await":    {1, await},
		"env":      {1, func(args []string) error { return say([]string{args[0] + "=" + os.Getenv(args[0])}) }},
		"get":      {1, get},
		"poll":     {1, poll},
		"caller":   {0, caller},
	}
	for name, more := range podSteps() {
		steps[name] = more
	}
	if filepath.Base(os.Args[0]) == "tar" {
		if err := tarProgram(os.Args[1:]); err != nil {
			fail(fmt.Errorf("tar: %w", err))
		}
		return
	}
	for args := os.Args[1:]; len(args) > 0; {
		s, ok := steps[args[0]]
		if !ok || len(args)-1 < s.takes {
			fail(fmt.Errorf("step %q is unknown or lacks arguments", args[0]))
		}
		if err := s.do(args[1 : 1+s.takes]); err != nil {
			fail(fmt.Errorf("%s: %w", args[0], err))
		}
		args = args[1+s.takes:]
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "probe:", err)
	os.Exit(1)
}

// number makes a step out of a function of one number.
func number(f func(int) error) func([]string) error {
	return func(args []string) error {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		return f(n)
	}
}
