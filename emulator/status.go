package emulator

import (
	"net/http"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/store"
)

// Status is the answer of /_neargate/status.
type Status struct {
	Clusters []ecs.ClusterOverview `json:"clusters"`
}

func (e *Emulator) status(w http.ResponseWriter, r *http.Request) {
	var s Status
	err := e.store.View(r.Context(), func(tx *store.Tx) (err error) {
		s.Clusters, err = ecs.Overview(tx)
		return err
	})
	if err != nil {
		reply(w, http.StatusInternalServerError, problem{Error: err.Error()})
		return
	}
	reply(w, http.StatusOK, s)
}
