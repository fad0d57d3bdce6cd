package docker

import (
	"errors"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestEnvironmentsThatNoProcessCanHave(t *testing.T) {
	c := &sandbox.Container{Name: "app"}
	for value, want := range map[string]string{
		"":             "",
		"line\nüber":   "",
		"a\x00b":       `environment variable "V": its value can't contain null(\x00)`,
		"\xff\xfe\x01": `environment variable "V": its value contains invalid UTF-8`,
	} {
		err := checkEnvironment(c, nil, []sandbox.EnvVar{{Name: "A", Value: "fine"}, {Name: "V", Value: value}})
		stop, isStop := errors.AsType[*sandbox.StopError](err)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", value, err)
		case want != "" && (!isStop || stop.Text != want || stop.Container != "app" || stop.Trouble != sandbox.TroubleCreation || stop.Reason != "CannotCreateContainerError: "+want):
			t.Errorf("%q: %+v", value, err)
		}
	}
}
