package emulator

import (
	"context"
	"time"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/ec2"
	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eks/controlplane"
	"github.com/neargate/neargate/emulator/eksauth"
	"github.com/neargate/neargate/emulator/iam"
	"github.com/neargate/neargate/emulator/logs"
	"github.com/neargate/neargate/emulator/reconcile"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sts"
)

// services are the APIs of one emulator.
type services struct {
	ecs  *ecs.API
	eks  *eks.API
	ec2  *ec2.API
	logs *logs.API
	sts  *sts.API
	iam  *iam.API
	// eksauth gives pods the roles of pod identity associations.
	eksauth *eksauth.API
	// waiter is an engine that does not run: others wait with it for what the
	// one that runs does.
	waiter *sandbox.Engine
	// clusters brings them to what the records say.
	clusters *eks.Clusters
	// planes run the clusters' Kubernetes; nil with --eks=records.
	planes *controlplane.Planes
}

// buildServices makes the APIs, hands each what it needs of the others, and
// says how they are reached: one line per service.
func (e *Emulator) buildServices() {
	s := &e.services
	s.ec2 = ec2.New(ec2.Config{Store: e.store, Attached: attached{}})
	s.iam = iam.New(iam.Config{Store: e.store})
	s.sts = sts.New(sts.Config{
		Store: e.store, IAM: s.iam, Account: e.config.Account,
		Keys: func(ctx context.Context, issuer string) ([]byte, error) {
			ctx, cancel := context.WithTimeout(ctx, patience) // a control plane that starts is not waited for: SDKs ask again
			defer cancel()
			return s.eks.KeysOf(ctx, issuer)
		},
	})
	s.logs = logs.New(logs.Config{Store: e.store, Log: e.config.Log})
	s.waiter = e.newEngine()
	s.ecs = ecs.New(ecs.Config{
		Store: e.store, Network: network{s.ec2}, Engine: engine{s.waiter}, Roles: roles{e.store, s.sts, s.iam}, Callers: callers{s.sts},
		Settle: e.config.Timing == TimingInstant,
	})
	e.buildEKS(s)
	s.eksauth = eksauth.New(eksauth.Config{Store: e.store, Clusters: authClusters{s.eks}, Roles: authRoles{s.sts}, Pods: authPods{}})
	o := apiwire.Options{
		Account: e.config.Account, AccountOf: s.sts.AccountOf, Region: e.config.Region, Log: e.config.Log, Explain: e.explainFailure, Done: e.metrics.called,
	}
	if e.config.Auth == AuthVerify {
		o.Verify = apiwire.Verify(s.sts, time.Now)
	}
	e.wire = apiwire.New(o,
		apiwire.JSON11("ecs", "AmazonEC2ContainerServiceV20141113", s.ecs).
			WithOperations(operationsOf("ecs")...).WithConstraints(apiwire.ConstraintsOf("ecs"), apiwire.VoiceECS),
		apiwire.RESTJSON("eks", eks.Routes(), s.eks).WithConstraints(apiwire.ConstraintsOf("eks"), apiwire.VoiceEKS),
		apiwire.JSON11("logs", "Logs_20140328", s.logs).
			WithOperations(operationsOf("logs")...).WithConstraints(apiwire.ConstraintsOf("logs"), apiwire.VoiceLogs),
		apiwire.EC2Query("ec2", "2016-11-15", "http://ec2.amazonaws.com/doc/2016-11-15/", s.ec2).
			WithOperations(operationsOf("ec2")...).WithConstraints(apiwire.ConstraintsOf("ec2"), apiwire.VoiceEC2),
		apiwire.Query("sts", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/", s.sts).
			WithOperations(operationsOf("sts")...).WithConstraints(apiwire.ConstraintsOf("sts"), apiwire.VoiceQuery),
		apiwire.Query("iam", "2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/", s.iam).
			WithOperations(operationsOf("iam")...).WithConstraints(apiwire.ConstraintsOf("iam"), apiwire.VoiceQuery),
	)
	e.buildLoops()
}

// newEngine makes a sandbox engine.
func (e *Emulator) newEngine() *sandbox.Engine {
	return sandbox.New(sandbox.Config{
		Store: e.store, Runtime: e.runtime, Logs: logSink{e.services.logs}, Secrets: noSecrets{}, Delay: delays(e.config.Timing), Log: e.config.Log,
	})
}

// buildLoops lists the controllers beside the engine. They only follow time
// and what has ended, so they need not look at everything often.
func (e *Emulator) buildLoops() {
	tasks, clusters, definitions := ecs.NewRetention(e.store), ecs.NewForgetting(e.store), ecs.NewDeletion(e.store)
	events := logs.NewRetention(e.store)
	e.loops = []loop{
		{tasks, reconcile.Options{Name: "ecs-retention", Kinds: tasks.Kinds(), Keys: tasks.Dirty, List: tasks.List}},
		{clusters, reconcile.Options{Name: "ecs-cluster", Kinds: clusters.Kinds(), List: clusters.List}},
		{definitions, reconcile.Options{Name: "ecs-task-definition", Kinds: definitions.Kinds(), Keys: definitions.Dirty, List: definitions.List}},
		{events, reconcile.Options{Name: "logs-retention", Kinds: events.Kinds(), Keys: events.Dirty, List: events.List}},
	}
	kubernetes := e.services.clusters
	e.loops = append(e.loops, loop{kubernetes, reconcile.Options{Name: "eks-cluster", Kinds: kubernetes.Kinds(), Keys: kubernetes.Dirty, List: kubernetes.List, Hints: kubernetes.Hints}})
	for i := range e.loops {
		e.loops[i].options.Resync, e.loops[i].options.Log = time.Hour, e.config.Log
	}
}
