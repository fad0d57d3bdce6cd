package emulator

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file answers /_neargate/logs for EKS: the log of a cluster's control
// plane, and what the containers of a pod have written.

// findEKS finds a cluster or a pod that has a record.
func (e *Emulator) findEKS(ctx context.Context, text string) (of eksRef, found bool, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) (err error) {
		for _, of = range eksRefs(e.config.Account, e.config.Region, text) {
			if found, err = eksHas(tx, of); found || err != nil {
				return err
			}
		}
		return nil
	})
	return of, found, err
}

// eksLogs writes the log of a control plane or the output of a pod.
func (e *Emulator) eksLogs(w http.ResponseWriter, r *http.Request, of eksRef, container string, follow bool) {
	switch {
	case of.pod != "":
		e.podLogs(w, r, of, container, follow)
	case of.key != of.cluster:
		reply(w, http.StatusNotFound, problem{Error: "what belongs to a cluster has no log", Hint: "name the cluster, or a pod: CLUSTER/NAMESPACE/POD"})
	case e.services.planes == nil:
		reply(w, http.StatusNotFound, problem{Error: "the cluster has no control plane", Hint: "this emulator keeps records only of EKS (--eks=records)"})
	case follow:
		reply(w, http.StatusBadRequest, problem{
			Error: "the log of a control plane cannot be followed", Hint: "its types that the cluster's logging enables are in CloudWatch Logs: aws logs tail --follow /aws/eks/" + nameOf(of) + "/cluster",
		})
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := e.copyPlaneLog(r.Context(), of.cluster, container, w); err != nil {
			_, _ = w.Write([]byte("neargate: " + err.Error() + "\n")) // the reader has gone
		}
	}
}

// podLogs writes the output of a pod's containers, or of one.
func (e *Emulator) podLogs(w http.ResponseWriter, r *http.Request, of eksRef, container string, follow bool) {
	var s *sandbox.Sandbox
	err := e.store.View(r.Context(), func(tx *store.Tx) (err error) {
		s, err = sandboxOfPod(tx, of)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		reply(w, http.StatusNotFound, problem{Error: "the pod " + of.pod + " has no sandbox", Hint: "`neargate why` tells what it waits for"})
		return
	}
	if err != nil {
		reply(w, http.StatusInternalServerError, problem{Error: err.Error()})
		return
	}
	var names []string
	for i := range s.Spec.Containers {
		names = append(names, s.Spec.Containers[i].Name)
	}
	if container != "" && !slices.Contains(names, container) {
		reply(w, http.StatusNotFound, problem{Error: "the pod has no container " + container, Hint: "it has " + strings.Join(names, ", ")})
		return
	}
	if container != "" {
		names = []string{container}
	}
	if lost(s, names) {
		reply(w, http.StatusGone, problem{
			Error: "the pod has ended, and its containers were removed with their output",
			Hint:  "the ConfigMap aws-logging in the namespace aws-observability sends it to CloudWatch Logs",
		})
		return
	}
	e.writeLogs(w, r, s, names, follow)
}

// lost: what the containers have written went with them.
func lost(s *sandbox.Sandbox, names []string) bool {
	return s.IsStopped() && !slices.ContainsFunc(names, func(name string) bool { return isKept(s, name) })
}
