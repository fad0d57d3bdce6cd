package ecs

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// This file serves a task role's credentials to the containers of the task.

// Roles issues the temporary credentials of roles; STS stands behind it.
type Roles interface {
	AssumeRole(ctx context.Context, scope, roleARN, session string) (RoleCredentials, error)
}

// RoleCredentials are temporary credentials of a role, in the shape of the
// credentials endpoint.
type RoleCredentials struct {
	RoleArn         string
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      time.Time
}

// refreshBefore is how long before their end credentials are replaced, so
// that an SDK that has just read them can use them for a while.
const refreshBefore = 15 * time.Minute

// issued keeps each task's newest credentials in memory. After a restart of
// the emulator new ones are made: the container's environment has no more
// than their name.
type issued struct {
	mu     sync.Mutex
	byTask map[string]RoleCredentials
}

func (m *metadata) credentials(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimSuffix(r.PathValue("credentials"), "/")
	if id == "" {
		id = r.URL.Query().Get("id")
	}
	if id == "" {
		refuseCredentials(w, http.StatusBadRequest, "NoIdInRequest", "CredentialsV2Request: No ID in the request")
		return
	}
	t, _, err := m.pair(r.Context())
	if errors.Is(err, store.ErrNotFound) || (err == nil && (id != credentialsID(t) || t.TaskRole == "")) {
		refuseCredentials(w, http.StatusBadRequest, "InvalidIdInRequest", "CredentialsV2Request: Credentials not found")
		return
	}
	var c RoleCredentials
	if err == nil {
		c, err = m.api.taskCredentials(r.Context(), t)
	}
	if err != nil {
		refuseCredentials(w, http.StatusInternalServerError, "InternalServerError", "Internal server error")
		return
	}
	answer(w, http.StatusOK, c)
}

func refuseCredentials(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, struct {
		Code          string `json:"code"`
		Message       string `json:"message"`
		HTTPErrorCode int
	}{code, message, status})
}

// taskCredentials returns credentials of the task's role that are good for a
// while yet.
func (a *API) taskCredentials(ctx context.Context, t *Task) (RoleCredentials, error) {
	a.issued.mu.Lock()
	c, ok := a.issued.byTask[t.ID]
	a.issued.mu.Unlock()
	if ok && time.Until(c.Expiration) > refreshBefore {
		return c, nil
	}
	c, err := a.roles.AssumeRole(ctx, t.Account+"/"+t.Region, t.TaskRole, t.ID)
	if err != nil {
		return c, err
	}
	c.RoleArn = t.TaskRole
	a.issued.mu.Lock()
	defer a.issued.mu.Unlock()
	a.issued.forgetExpired()
	a.issued.byTask[t.ID] = c
	return c, nil
}

// forgetExpired keeps the map as small as the number of tasks that asked of
// late.
func (i *issued) forgetExpired() {
	for id, c := range i.byTask {
		if time.Until(c.Expiration) <= 0 {
			delete(i.byTask, id)
		}
	}
}
