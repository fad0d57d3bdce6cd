package e2e_test

import (
	"testing"

	"github.com/neargate/neargate/fixtures"
)

// TestWalkOfBoto3 is the same walk with the SDK for Python and its own
// waiters: testdata/walk.py.
func TestWalkOfBoto3(t *testing.T) {
	t.Parallel()
	python := fixtures.RequireCommand(t, "python3")
	if _, err := command(nil, python, "-c", "import boto3"); err != nil {
		fixtures.Skip(t, "NEARGATE_REQUIRE_CLIENTS", "boto3 is not installed")
	}
	requireImages(t)
	s := serve(t)
	if out, err := command(s.cli(t).env, python, "testdata/walk.py", webImage); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
