package ecs

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file counts what uses a cluster. Whatever can be in one adds a function
// to clusterUsers, and one to providerUsers when it runs through capacity
// providers.

// byLaunch is a count by what runs it.
type byLaunch struct{ ec2, fargate, external int }

func (n byLaunch) total() int32 { return int32(n.ec2 + n.fargate + n.external) }

// usage is everything that uses a cluster at one moment.
type usage struct {
	running, pending                 byLaunch // tasks
	activeServices, drainingServices byLaunch
	tasks                            int // that are not STOPPED, those on their way down included
}

var clusterUsers = []func(tx *store.Tx, cluster string, u *usage) error{useOfTasks}

var providerUsers = []func(tx *store.Tx, cluster, provider string) (bool, error){tasksUseProvider}

func clusterUse(tx *store.Tx, cluster string) (u usage, err error) {
	for _, add := range clusterUsers {
		if err := add(tx, cluster, &u); err != nil {
			return usage{}, err
		}
	}
	return u, nil
}

// useOfTasks adds the tasks, which all run on Fargate.
func useOfTasks(tx *store.Tx, cluster string, u *usage) error {
	n, err := countTasks(tx, cluster)
	u.running.fargate += n.running
	u.pending.fargate += n.pending
	u.tasks += n.active
	return err
}

// refusal is why the cluster cannot be deleted, nil when it can.
func (u usage) refusal() error {
	switch {
	case u.activeServices.total()+u.drainingServices.total() > 0:
		return &types.ClusterContainsServicesException{Message: aws.String("The Cluster cannot be deleted while Services are active.")}
	case u.tasks > 0:
		return &types.ClusterContainsTasksException{Message: aws.String("The Cluster cannot be deleted while Tasks are active.")}
	}
	return nil
}

// statistics are the counts in the names and the order of DescribeClusters.
func (u usage) statistics() []types.KeyValuePair {
	var list []types.KeyValuePair
	add := func(name string, n int) { list = append(list, pair(name, strconv.Itoa(n))) }
	add("runningEC2TasksCount", u.running.ec2)
	add("runningFargateTasksCount", u.running.fargate)
	add("pendingEC2TasksCount", u.pending.ec2)
	add("pendingFargateTasksCount", u.pending.fargate)
	add("runningExternalTasksCount", u.running.external)
	add("pendingExternalTasksCount", u.pending.external)
	add("activeEC2ServiceCount", u.activeServices.ec2)
	add("activeFargateServiceCount", u.activeServices.fargate)
	add("drainingEC2ServiceCount", u.drainingServices.ec2)
	add("drainingFargateServiceCount", u.drainingServices.fargate)
	add("activeExternalServiceCount", u.activeServices.external)
	add("drainingExternalServiceCount", u.drainingServices.external)
	return list
}

// providerUsed tells whether anything in the cluster runs on the capacity
// provider of that name.
func providerUsed(tx *store.Tx, cluster, provider string) (bool, error) {
	for _, uses := range providerUsers {
		if used, err := uses(tx, cluster, provider); used || err != nil {
			return used, err
		}
	}
	return false, nil
}

func tasksUseProvider(tx *store.Tx, cluster, provider string) (bool, error) {
	for t, err := range tasks.By(tx, "cluster", cluster, store.Range{}) {
		if err != nil {
			return false, err
		}
		if t.Value.Provider != provider {
			continue
		}
		s, err := sandbox.Get(tx, t.Value.ID)
		if err != nil {
			return false, err
		}
		if !stopped(s) {
			return true, nil
		}
	}
	return false, nil
}
