package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// This file asks the admin endpoints of a running server.

// ask sends a request and returns the answer's body, to be closed by the
// caller.
func ask(ctx context.Context, cmd *cobra.Command, method, path string) (io.ReadCloser, error) {
	endpoint := strings.TrimRight(endpointFlag(cmd), "/")
	r, err := http.NewRequestWithContext(ctx, method, endpoint+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("no server answers at %s: start one with `neargate serve`, or name another with --endpoint", endpoint)
	}
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		return nil, refusal(answer)
	}
	return answer.Body, nil
}

// refusal reads the server's reason.
func refusal(answer *http.Response) error {
	var p struct{ Error, Hint, Message string }
	if json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&p) != nil || p.Error+p.Message == "" {
		return fmt.Errorf("the server answers %s: is it Neargate?", answer.Status)
	}
	if p.Hint != "" {
		return fmt.Errorf("%s\n  %s", p.Error, p.Hint)
	}
	return errors.New(p.Error + p.Message)
}

// askJSON asks and decodes the answer into v.
func askJSON(ctx context.Context, cmd *cobra.Command, method, path string, v any) error {
	body, err := ask(ctx, cmd, method, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(v); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	return nil
}

var account = regexp.MustCompile(`^[0-9]{12}$`)

// accessKey is the shell's own key where that chooses an account. A real key
// is not repeated: it has no business here.
func accessKey() string {
	if key := os.Getenv("AWS_ACCESS_KEY_ID"); account.MatchString(key) {
		return key
	}
	return "test"
}
