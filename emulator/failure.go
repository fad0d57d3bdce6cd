package emulator

import (
	"errors"

	"github.com/neargate/neargate/emulator/store"
)

// explainFailure words the failures that are not the emulator's own fault, for
// whoever made the call: most likely the machine is his.
func (e *Emulator) explainFailure(err error) string {
	if errors.Is(err, store.ErrFull) {
		return "Neargate cannot keep its state in " + e.config.DataDir + ": " + store.ErrFull.Error() + ". Nothing was changed; it goes on as soon as there is room."
	}
	return ""
}
