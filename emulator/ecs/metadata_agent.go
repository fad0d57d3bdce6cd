package ecs

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/neargate/neargate/emulator/store"
)

// This file is the API that the ECS agent offers to containers at
// $ECS_AGENT_URI: task protection, which only tasks of services can have, and
// fault injection.

func (a *API) agentRoutes(m *http.ServeMux) {
	const base = "/api/{container}"
	m.HandleFunc("GET "+base+"/task-protection/v1/state", a.taskProtection)
	m.HandleFunc("PUT "+base+"/task-protection/v1/state", a.setTaskProtection)
	for _, fault := range []string{"network-blackhole-port", "network-latency", "network-packet-loss"} {
		for _, verb := range []string{"start", "stop", "status"} {
			m.HandleFunc("POST "+base+"/fault/v1/"+fault+"/"+verb, a.fault)
		}
	}
	m.HandleFunc("/api/", http.NotFound)
}

// unknown tells whether an error says that a task or a container of it is not
// there.
func unknown(err error) bool {
	var u unknownContainer
	return errors.As(err, &u) || errors.Is(err, store.ErrNotFound)
}

// protectionFailure is an entry of failures as UpdateTaskProtection has them.
type protectionFailure struct{ Arn, Detail, Reason string }

// protectionError is the agent's own no, or that of the ECS API.
type protectionError struct {
	Arn     string `json:",omitempty"`
	Code    string
	Message string
}

type protectionAnswer struct {
	Failure *protectionFailure `json:"failure,omitempty"`
	Error   *protectionError   `json:"error,omitempty"`
}

// refuseProtection answers with an error.
func refuseProtection(w http.ResponseWriter, status int, arn, code, message string) {
	answer(w, status, protectionAnswer{Error: &protectionError{arn, code, message}})
}

// protectable reads the task of a request. It is nil when the answer was given
// already.
func (a *API) protectable(w http.ResponseWriter, r *http.Request) *Task {
	q, err := a.asked(r)
	switch {
	case err == nil:
		return q.task
	case unknown(err):
		refuseProtection(w, http.StatusNotFound, "", "ResourceNotFoundException", "Failed to find a task for the request")
	default:
		refuseProtection(w, http.StatusInternalServerError, "", "ServerException", "Failed to find a task for the request: "+err.Error())
	}
	return nil
}

func (a *API) taskProtection(w http.ResponseWriter, r *http.Request) {
	if t := a.protectable(w, r); t != nil {
		answerProtection(w, t)
	}
}

// Bounds of how long a protection lasts, in minutes.
const (
	minProtection = 1
	maxProtection = 2880
)

func (a *API) setTaskProtection(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ProtectionEnabled *bool
		ExpiresInMinutes  *int64
	}
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields()
	if body.Decode(&in) != nil {
		refuseProtection(w, http.StatusBadRequest, "", "InvalidParameterException", "UpdateTaskProtection: failed to decode request")
		return
	}
	t := a.protectable(w, r)
	switch {
	case t == nil:
	case in.ProtectionEnabled == nil:
		refuseProtection(w, http.StatusBadRequest, t.ARN, "InvalidParameterException", "Invalid request: does not contain 'ProtectionEnabled' field")
	case t.TaskRole != "" && in.ExpiresInMinutes != nil && (*in.ExpiresInMinutes < minProtection || *in.ExpiresInMinutes > maxProtection):
		refuseProtection(w, http.StatusBadRequest, t.ARN, "InvalidParameterException", "expiresInMinutes should be between 1 and 2880")
	default:
		answerProtection(w, t)
	}
}

// answerProtection says that a task cannot be protected. The agent asks ECS in
// the name of the task role; ECS protects tasks of services only, and RunTask
// makes none.
func answerProtection(w http.ResponseWriter, t *Task) {
	if t.TaskRole == "" {
		refuseProtection(w, http.StatusForbidden, t.ARN, "AccessDeniedException", "Invalid Request: no task IAM role credentials available for task")
		return
	}
	answer(w, http.StatusOK, protectionAnswer{Failure: &protectionFailure{
		Arn: t.ARN, Detail: "The task does not belong to a service.", Reason: "TASK_NOT_VALID",
	}})
}

// fault refuses to make a fault: the task is not to have any, or Neargate
// cannot make them.
func (a *API) fault(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, text string) { answer(w, status, struct{ Error string }{text}) }
	q, err := a.asked(r)
	switch {
	case unknown(err):
		refuse(http.StatusNotFound, "unable to lookup container: "+r.PathValue("container"))
	case err != nil:
		refuse(http.StatusInternalServerError, "failed to get task metadata for container "+r.PathValue("container")+": "+err.Error())
	case !q.task.FaultsEnabled:
		refuse(http.StatusBadRequest, "enableFaultInjection is not enabled for task: "+q.task.ARN)
	default:
		refuse(http.StatusInternalServerError, "fault injection is not available in Neargate")
	}
}
