package emulator

import (
	_ "embed"
	"strings"
)

// operationList names every operation that AWS has in the services that are
// served, one "service Operation" a line, so that one that Neargate lacks is
// told from one that does not exist. It is made from the SDK:
//
//	go test ./emulator -run TestOperationList -update
//
//go:embed operations.txt
var operationList string

// operationsOf lists the operations of one service.
func operationsOf(service string) []string {
	var names []string
	for line := range strings.Lines(operationList) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), service+" "); ok {
			names = append(names, name)
		}
	}
	return names
}
