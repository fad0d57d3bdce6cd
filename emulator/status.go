package emulator

import (
	"context"
	"net/http"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/store"
)

// Status is the answer of /_neargate/status.
type Status struct {
	Clusters    []ecs.ClusterOverview `json:"clusters"`
	EKSClusters []EKSCluster          `json:"eksClusters"`
}

// EKSCluster is an EKS cluster with its control plane.
type EKSCluster struct {
	eks.ClusterOverview
	Memory int64 `json:"memory,omitempty"` // bytes that the control plane's process occupies; 0: not known
}

func (e *Emulator) status(w http.ResponseWriter, r *http.Request) {
	var s Status
	err := e.store.View(r.Context(), func(tx *store.Tx) (err error) {
		s.Clusters, err = ecs.Overview(tx)
		return err
	})
	if err == nil {
		s.EKSClusters, err = e.eksClusters(r.Context())
	}
	if err != nil {
		reply(w, http.StatusInternalServerError, problem{Error: err.Error()})
		return
	}
	reply(w, http.StatusOK, s)
}

func (e *Emulator) eksClusters(ctx context.Context) ([]EKSCluster, error) {
	found, err := e.services.eks.Overview(ctx)
	list := make([]EKSCluster, 0, len(found))
	for _, c := range found {
		one := EKSCluster{ClusterOverview: c}
		if p := e.services.planes; p != nil {
			one.Memory = p.Memory(c.ARN)
		}
		list = append(list, one)
	}
	return list, err
}
