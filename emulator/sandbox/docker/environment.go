package docker

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/neargate/neargate/emulator/sandbox"
)

// environment joins lists; of several values of a name the last one wins, at
// the place of the first.
func environment(lists ...[]sandbox.EnvVar) []string {
	var all []string
	at := map[string]int{}
	for _, list := range lists {
		for _, e := range list {
			text := e.Name + "=" + e.Value
			if i, ok := at[e.Name]; ok {
				all[i] = text
				continue
			}
			at[e.Name] = len(all)
			all = append(all, text)
		}
	}
	return all
}

// checkEnvironment refuses values that no process can have or no Engine can be
// told, as those of a Secret's files may be. The Engine must not see them: runc
// puts the whole value into its error, and one of more than a pipe holds keeps
// it, and the container, waiting for ever.
func checkEnvironment(c *sandbox.Container, lists ...[]sandbox.EnvVar) error {
	for _, list := range lists {
		for _, e := range list {
			if strings.ContainsRune(e.Name+e.Value, 0) {
				return badVariable(c, e.Name, `can't contain null(\x00)`)
			}
			if !utf8.ValidString(e.Name + e.Value) {
				return badVariable(c, e.Name, "contains invalid UTF-8")
			}
		}
	}
	return nil
}

func badVariable(c *sandbox.Container, name, what string) error {
	text := fmt.Sprintf("environment variable %q: its value %s", name, what)
	return &sandbox.StopError{Container: c.Name, Reason: "CannotCreateContainerError: " + text, Trouble: sandbox.TroubleCreation, Text: text}
}
