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

// This file makes RunTask idempotent by its clientToken. Tokens that have had
// their time are removed by Retention.

// runToken remembers what a clientToken was used for.
type runToken struct {
	Request string // SHA-256 of the request
	Tasks   []string
	Until   time.Time
}

// tokenLife is how long a clientToken is remembered.
const tokenLife = 24 * time.Hour

var runTokens = store.NewTable[runToken]("ecs/run-token")

// tokened is a request that carries a token; its zero value one that does not.
type tokened struct{ key, hash string }

func requestToken(call apiwire.Call, in *ecs.RunTaskInput) (tokened, error) {
	token := aws.ToString(in.ClientToken)
	if token == "" {
		return tokened{}, nil
	}
	body, err := json.Marshal(in)
	if err != nil {
		return tokened{}, err
	}
	sum := sha256.Sum256(body)
	return tokened{key: call.Scope() + "/" + nameOfCluster(aws.ToString(in.Cluster)) + "/" + token, hash: hex.EncodeToString(sum[:])}, nil
}

// nameOfCluster is the short name that a cluster argument means.
func nameOfCluster(ref string) string {
	if ref == "" {
		return defaultCluster
	}
	return idOf(ref)
}

// answer puts the tasks of an earlier request with the same token into out and
// tells whether there was one. ConflictException says that it asked for
// something else.
func (t tokened) answer(tx *store.Tx, out *ecs.RunTaskOutput) (found bool, err error) {
	if t.key == "" {
		return false, nil
	}
	r, _, err := runTokens.Peek(tx, t.key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case !tx.Now().Before(r.Until):
		return false, nil
	case t.hash != r.Request:
		return false, &types.ConflictException{
			Message:     aws.String("The request with this client token conflicts with an earlier one that had other arguments."),
			ResourceIds: r.Tasks,
		}
	}
	for _, arn := range r.Tasks {
		task, s, err := look(tx, arn)
		switch {
		case errors.Is(err, store.ErrNotFound):
			out.Failures = append(out.Failures, missing(arn))
		case err != nil:
			return false, err
		default:
			out.Tasks = append(out.Tasks, describe(task, s, true))
		}
	}
	return true, nil
}

func (t tokened) remember(tx *store.Tx, list []types.Task) error {
	if t.key == "" {
		return nil
	}
	r := runToken{Request: t.hash, Until: tx.Now().Add(tokenLife)}
	for _, one := range list {
		r.Tasks = append(r.Tasks, aws.ToString(one.TaskArn))
	}
	return runTokens.Put(tx, t.key, &r)
}

// forgetTokens deletes the tokens whose time is over.
func forgetTokens(tx *store.Tx) error {
	for r, err := range runTokens.All(tx, store.Range{}) {
		if err != nil {
			return err
		}
		if tx.Now().Before(r.Value.Until) {
			continue
		}
		if err := runTokens.Delete(tx, r.Key); err != nil {
			return err
		}
	}
	return nil
}
