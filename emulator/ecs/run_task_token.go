package ecs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes RunTask idempotent by its clientToken.

// runToken remembers what a clientToken was used for.
type runToken struct {
	Request string // SHA-256 of the request
	Tasks   []string
	Until   time.Time
}

// tokenLife is how long a clientToken is remembered.
const tokenLife = 24 * time.Hour

var runTokens = store.NewTable[runToken]("ecs/run-token")

func runTokenKey(call apiwire.Call, in *ecs.RunTaskInput) string {
	return call.Scope() + "/" + nameOfCluster(aws.ToString(in.Cluster)) + "/" + aws.ToString(in.ClientToken)
}

// nameOfCluster is the short name that a cluster argument means.
func nameOfCluster(ref string) string {
	if ref == "" {
		return "default"
	}
	return idOf(ref)
}

// sameRequest returns the tasks of an earlier request with the same token, nil
// when there was none, and ConflictException when that one asked for
// something else.
func (a *API) sameRequest(tx *store.Tx, call apiwire.Call, in *ecs.RunTaskInput) ([]types.Task, error) {
	if aws.ToString(in.ClientToken) == "" {
		return nil, nil
	}
	r, err := runTokens.Get(tx, runTokenKey(call, in))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case r.Value.Until.Before(tx.Now()):
		return nil, nil
	}
	hash, err := requestHash(in)
	if err != nil {
		return nil, err
	}
	if hash != r.Value.Request {
		return nil, &types.ConflictException{
			Message:     aws.String("The request with this client token conflicts with an earlier one that had other arguments."),
			ResourceIds: r.Value.Tasks,
		}
	}
	return describeAll(tx, r.Value.Tasks)
}

func describeAll(tx *store.Tx, arns []string) ([]types.Task, error) {
	list := make([]types.Task, 0, len(arns))
	for _, arn := range arns {
		t, s, err := pairOf(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			continue // stopped so long ago that it was forgotten
		}
		if err != nil {
			return nil, err
		}
		list = append(list, describe(&t.Value, s, true))
	}
	return list, nil
}

func (a *API) rememberRequest(tx *store.Tx, call apiwire.Call, in *ecs.RunTaskInput, list []types.Task) error {
	if aws.ToString(in.ClientToken) == "" {
		return nil
	}
	hash, err := requestHash(in)
	if err != nil {
		return err
	}
	t := runToken{Request: hash, Until: tx.Now().Add(tokenLife)}
	for _, one := range list {
		t.Tasks = append(t.Tasks, aws.ToString(one.TaskArn))
	}
	return runTokens.Put(tx, runTokenKey(call, in), &t)
}

func requestHash(in *ecs.RunTaskInput) (string, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}
