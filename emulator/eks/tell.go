package eks

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/store"
)

// This file puts changes of EKS's records into words, and answers what other
// parts of the emulator ask of them.

// Tell says in a few words what a change did to a record of EKS: "fargate
// profile ACTIVE". It is empty for other kinds of records, and for changes
// that moved no status.
func Tell(c store.Change) []string {
	kind, ours := strings.CutPrefix(c.Kind, "eks/")
	if !ours {
		return nil
	}
	noun := strings.ReplaceAll(kind, "-", " ")
	if c.After == nil {
		return []string{noun + " removed"}
	}
	type stated struct {
		Status string
		Type   types.UpdateType
		Health *types.ClusterHealth
	}
	var before, after stated
	if json.Unmarshal(c.After, &after) != nil || c.Before != nil && json.Unmarshal(c.Before, &before) != nil || after.Status == before.Status {
		return nil
	}
	if c.Kind == updates.Kind() {
		noun += " " + string(after.Type)
	}
	words := []string{noun + " " + after.Status}
	if after.Health != nil {
		for _, i := range after.Health.Issues {
			words = append(words, aws.ToString(i.Message))
		}
	}
	return words
}

// EnabledLogs are the control plane logs that a cluster exports to CloudWatch
// Logs, by its ARN. store.ErrNotFound: there is no such cluster.
func EnabledLogs(tx *store.Tx, arn string) ([]types.LogType, error) {
	c, _, err := clusters.Peek(tx, arn)
	if err != nil {
		return nil, err
	}
	return c.exportedLogs(), nil
}

func (c *Cluster) exportedLogs() (list []types.LogType) {
	if c.Logging == nil {
		return nil
	}
	for _, s := range c.Logging.ClusterLogging {
		if aws.ToBool(s.Enabled) {
			list = append(list, s.Types...)
		}
	}
	return list
}

// Find shows a cluster by its ARN, for Ineffective. store.ErrNotFound: there
// is none.
func Find(tx *store.Tx, arn string) (*types.Cluster, error) {
	r, err := clusters.Get(tx, arn)
	if err != nil {
		return nil, err
	}
	return &r.Value.Cluster, nil
}
