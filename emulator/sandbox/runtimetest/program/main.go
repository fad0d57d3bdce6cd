// Command program is what runs inside the containers of the runtime suite: a
// static binary that does what its flags say and reports what it sees.
//
// -do takes one of these, prints one line and goes on:
//
//	env NAME          the variable's value
//	cwd | host | pid  working directory, host name, own process id
//	id                uid:gid
//	limit nofile      soft:hard
//	caps              effective capabilities, hexadecimal
//	write PATH TEXT   ok, or the error
//	read PATH         the file's content
//	mode PATH         permissions and owner: 0640 1000:1000
//	fs PATH           the type of the file system, hexadecimal
//	get URL           the body, or the error
//	groups            supplementary groups
//	seccomp           0 none, 2 a filter
//	processes         how many there are to be seen
//	stdin             all that is read from it
//	terminal WxH      waits until the terminal has that size
//	link PATH         where it leads
//	flags             NoNewPrivs of /proc/self/status
//	await PATH        waits until the file exists
package main

import (
	"flag"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// lines is a flag that may be given again and again.
type lines []string

func (l *lines) String() string     { return fmt.Sprint([]string(*l)) }
func (l *lines) Set(s string) error { *l = append(*l, s); return nil }

func main() {
	var out, err, do lines
	flag.Var(&out, "print", "line for stdout")
	flag.Var(&err, "print-err", "line for stderr")
	flag.Var(&do, "do", "something to do and report")
	every := flag.Duration("every", 0, "print a line at each interval")
	eat := flag.Int64("eat", 0, "bytes of memory to take")
	serve := flag.Int("serve", 0, "port to serve HTTP on")
	body := flag.String("body", "", "what is served")
	run := flag.Duration("run", 0, "how long to run")
	exit := flag.Int("exit", -1, "exit code; -1 runs for ever")
	quiet := flag.Bool("quiet", false, "close stdout and stderr at once")
	ignore := flag.Bool("ignore-term", false, "ignore SIGTERM")
	flag.Parse()

	if *quiet {
		_ = os.Stdout.Close()
		_ = os.Stderr.Close()
	}
	watchTerm(*ignore)
	for _, l := range out {
		fmt.Println(l)
	}
	for _, l := range err {
		fmt.Fprintln(os.Stderr, l)
	}
	for _, d := range do {
		fmt.Println(perform(d))
	}
	memory := take(*eat)
	if *serve > 0 {
		go listen(*serve, *body)
	}
	if *exit < 0 { // for ever: signals are all that is left
		if *every > 0 {
			tick(*every, math.MaxInt64)
		}
		select {}
	}
	end := time.After(*run)
	if *every > 0 {
		tick(*every, *run)
	}
	<-end
	runtime.KeepAlive(memory)
	os.Exit(*exit)
}

// watchTerm makes SIGTERM end the process with 143, also where it is PID 1
// and the kernel would drop the signal; or makes it do nothing.
func watchTerm(ignore bool) {
	c := make(chan os.Signal, 1)
	if ignore {
		// Notify without a reader, not Ignore: with that alone Go would find
		// the process dead in main's wait for ever.
		signal.Notify(c, syscall.SIGTERM)
		return
	}
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		s := <-c
		os.Exit(128 + int(s.(syscall.Signal)))
	}()
}

// take allocates and touches memory, so that it is really there.
func take(n int64) []byte {
	if n == 0 {
		return nil
	}
	debug.SetGCPercent(-1)
	b := make([]byte, n)
	for i := int64(0); i < n; i += 4096 {
		b[i] = byte(i>>12) | 1
	}
	return b
}

// tick prints a line at each interval before end. None is left out where the
// machine is too busy to have it in time.
func tick(every, end time.Duration) {
	began := time.Now()
	for n := 1; time.Duration(n)*every < end; n++ {
		time.Sleep(time.Until(began.Add(time.Duration(n) * every)))
		fmt.Println("tick", n)
	}
}

func listen(port int, body string) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
	if err := http.ListenAndServe(fmt.Sprintf(":%d", port), h); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(97)
	}
}
