package ecs

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
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

// credentials answers by the name in the path, or, in version 1, in the query.
// Only a task's own containers reach the credentials of its role.
func (a *API) credentials(version int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, code, message string) {
			answer(w, status, struct {
				Code          string `json:"code"`
				Message       string `json:"message"`
				HTTPErrorCode int
			}{code, fmt.Sprintf("CredentialsV%dRequest: %s", version, message), status})
		}
		id := r.PathValue("id")
		if version == 1 {
			id = r.URL.Query().Get("id")
		}
		if id == "" {
			refuse(http.StatusBadRequest, "NoIdInRequest", "No Credential ID in the request")
			return
		}
		q, err := a.asked(r)
		if unknown(err) || err == nil && id != q.task.Credentials {
			refuse(http.StatusBadRequest, "InvalidIdInRequest", "Credentials not found")
			return
		}
		var c RoleCredentials
		if err == nil {
			c, err = a.taskCredentials(r.Context(), q.task)
		}
		if err != nil {
			refuse(http.StatusInternalServerError, "InternalServerError", "Internal server error: "+err.Error())
			return
		}
		answer(w, http.StatusOK, c)
	}
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
	c.RoleArn, c.Expiration = t.TaskRole, c.Expiration.UTC().Truncate(time.Second)
	a.issued.keep(t.ID, c)
	return c, nil
}

// keep remembers credentials, and forgets those that have expired: the map is
// as small as the number of tasks that asked of late.
func (i *issued) keep(task string, c RoleCredentials) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for id, old := range i.byTask {
		if time.Until(old.Expiration) <= 0 {
			delete(i.byTask, id)
		}
	}
	if i.byTask == nil {
		i.byTask = map[string]RoleCredentials{}
	}
	i.byTask[task] = c
}
