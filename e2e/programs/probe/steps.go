package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func say(args []string) error {
	_, err := fmt.Println(args[0])
	return err
}

func count(n int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 1; i <= n; i++ {
		fmt.Println("line", i)
		<-tick.C
	}
	return nil
}

func sleep(seconds int) error {
	time.Sleep(time.Duration(seconds) * time.Second)
	return nil
}

func serve([]string) error {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	fmt.Println("serving")
	<-told
	fmt.Println("told to stop")
	return nil
}

func stubborn([]string) error {
	signal.Ignore(syscall.SIGTERM)
	return say([]string{"stubborn"})
}

// eat touches every page, so that the memory is really used.
func eat(mib int) error {
	for i := range mib {
		block := make([]byte, 1<<20)
		for at := 0; at < len(block); at += 4096 {
			block[at] = byte(i)
		}
		eaten = append(eaten, block)
	}
	return say([]string{fmt.Sprintf("ate %d MiB", len(eaten))})
}

// eaten keeps what was eaten from the garbage collector.
var eaten [][]byte

// crash counts its runs in a file, which has to outlive the container's
// process.
func crash(args []string) error {
	wanted, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	after, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	before, err := os.ReadFile(args[0])
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(before) >= wanted {
		return nil
	}
	if err := os.WriteFile(args[0], append(before, '.'), 0o644); err != nil {
		return err
	}
	time.Sleep(after)
	os.Exit(9)
	return nil
}

func read(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	return say([]string{string(text)})
}

func exists(args []string) error {
	_, err := os.Stat(args[0])
	return err
}

func await(args []string) error {
	for exists(args) != nil {
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

func get(args []string) error {
	body, err := fetch(args[0])
	if err != nil {
		return err
	}
	return say([]string{body})
}

func poll(args []string) error {
	for {
		body, err := fetch(args[0])
		if err != nil {
			return err
		}
		if body != "null" {
			return say([]string{body})
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// fetch returns a body in one line.
func fetch(url string) (string, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(os.ExpandEnv(url))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return "", err
	case answer.StatusCode != http.StatusOK:
		return "", fmt.Errorf("%s %s", answer.Status, body)
	}
	return strings.ReplaceAll(strings.TrimSpace(string(body)), "\n", " "), nil
}
