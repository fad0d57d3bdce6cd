package emulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file is `neargate why` of EKS: clusters, what belongs to them, and
// pods. What the records say comes first, then what the cluster's control
// plane has to say.

// explainEKS tells what is known of something of EKS.
func (e *Emulator) explainEKS(ctx context.Context, of eksRef) (*Why, error) {
	a := &Why{Key: cmp.Or(of.key, of.owner()), Summary: []string{}, Ineffective: []string{}, History: []Event{}}
	if of.pod != "" {
		return a, e.explainPod(ctx, a, of)
	}
	changes, err := e.historyOf(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		if words := tellPart(c, of); len(words) > 0 {
			a.History = append(a.History, event(c, words))
		}
	}
	a.Summary = append(a.Summary, standing(changes, of.key)...)
	if of.key == of.cluster {
		err = e.addCluster(ctx, a, of.cluster)
	} else {
		e.addPart(a, of)
	}
	if err != nil {
		return nil, err
	}
	return a, e.addWithoutEffect(ctx, a, of)
}

// historyOf reads the changes of a record and, of a cluster, of all that
// belongs to it, oldest first.
func (e *Emulator) historyOf(ctx context.Context, of eksRef) ([]store.Change, error) {
	all, err := e.store.History(ctx, store.HistoryQuery{Key: of.key, Limit: maxHistory, Reverse: true})
	if err == nil && of.key == of.cluster {
		var parts []store.Change
		parts, err = e.store.History(ctx, store.HistoryQuery{KeyPrefix: of.cluster + "/", Limit: maxHistory, Reverse: true})
		all = append(all, parts...)
	}
	slices.SortFunc(all, func(a, b store.Change) int { return cmp.Compare(a.Revision, b.Revision) })
	return all[max(0, len(all)-maxHistory):], err
}

// tellPart puts a change into words. What belongs to a cluster that is asked
// for is named, and told only when its status has moved; what the controller
// remembers of the settings is its own business.
func tellPart(c store.Change, of eksRef) []string {
	words := eks.Tell(c)
	switch {
	case c.Kind == "eks/settings":
		return nil
	case c.Key != of.key:
		for i := range words {
			words[i] = strings.TrimPrefix(c.Key, of.cluster+"/") + ": " + words[i]
		}
	case len(words) == 0:
		return ecs.Tell(c)
	}
	return words
}

// stated is a record of EKS as far as all of them are alike.
type stated struct {
	Status string
	Health *struct {
		Issues []struct{ Code, Message string }
	}
}

// standing says in what status a record is and since when, and of one that is
// gone when that was.
func standing(changes []store.Change, key string) []string {
	var last store.Change
	var status string
	var since time.Time
	var health []string
	for _, c := range changes {
		if c.Key != key || !slices.Contains([]string{"eks/cluster", "eks/fargate-profile", "eks/nodegroup", "eks/addon"}, c.Kind) {
			continue
		}
		var s stated
		if last = c; c.After == nil || json.Unmarshal(c.After, &s) != nil {
			continue
		}
		if s.Status != status {
			status, since = s.Status, c.At
		}
		if health = nil; s.Health != nil {
			for _, i := range s.Health.Issues {
				health = append(health, fmt.Sprintf("%s: %s", i.Code, i.Message))
			}
		}
	}
	switch {
	case last.Kind == "":
		return nil
	case last.After == nil:
		return []string{fmt.Sprintf("It was %s. Its record was removed at %s by %s.", status, last.At.Format(time.RFC3339), last.By)}
	}
	return append([]string{fmt.Sprintf("It is %s since %s.", status, since.Format(time.RFC3339))}, health...)
}

// addCluster tells how a cluster's control plane is and what it says.
func (e *Emulator) addCluster(ctx context.Context, a *Why, arn string) error {
	list, err := e.services.eks.Overview(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(c eks.ClusterOverview) bool { return c.ARN == arn })
	if i < 0 {
		return nil
	}
	if c := list[i]; c.Endpoint != "" {
		a.Summary = append(a.Summary, fmt.Sprintf("It is Kubernetes %s at %s.", c.Version, c.Endpoint))
	}
	for _, text := range list[i].Issues {
		if !says(a.Summary, text) {
			a.Summary = append(a.Summary, text)
		}
	}
	a.Summary = append(a.Summary, podsIn(list[i].Pods)...)
	if _, err := e.examine(ctx); err != nil {
		a.Summary = append(a.Summary, "Its pods cannot be looked after until the runtime answers: "+err.Error())
	}
	a.Summary = append(a.Summary, e.planeSays(ctx, arn, "")...)
	if p := e.services.planes; p != nil {
		if s, known := p.Status(arn); known {
			a.Summary = append(a.Summary, e.lastErrors(ctx, arn, s.ReadyAt)...)
		}
	}
	return e.store.View(ctx, func(tx *store.Tx) error {
		provided, err := eks.Provided(tx, arn)
		a.Summary = append(a.Summary, provided...)
		return err
	})
}

func podsIn(counts map[string]int) []string {
	if text := CountsText(counts); text != "" {
		return []string{"Its pods: " + text + "."}
	}
	return nil
}

// CountsText is counts by status in words: "2 RUNNING, 1 PENDING", the most
// first.
func CountsText(counts map[string]int) string {
	var parts []string
	for status, n := range counts {
		parts = append(parts, fmt.Sprintf("%d %s", n, status))
	}
	slices.Sort(parts)
	slices.SortStableFunc(parts, func(a, b string) int {
		statusA, statusB := a[strings.IndexByte(a, ' ')+1:], b[strings.IndexByte(b, ' ')+1:]
		return cmp.Compare(counts[statusB], counts[statusA])
	})
	return strings.Join(parts, ", ")
}

// addPart tells what the control plane's status says of a part.
func (e *Emulator) addPart(a *Why, of eksRef) {
	if e.services.planes == nil {
		return
	}
	s, known := e.services.planes.Status(of.cluster)
	if !known {
		return
	}
	name := strings.TrimPrefix(of.key, of.cluster+"/")
	for _, kind := range []string{"fargateprofile/", "nodegroup/"} {
		if n := s.Draining[kind+name]; n > 0 {
			a.Summary = append(a.Summary, fmt.Sprintf("It is not gone before its %d pods are.", n))
		}
	}
	if n, ok := s.Nodegroups[name]; ok {
		a.Summary = append(a.Summary, fmt.Sprintf("%d of its nodes are Ready.", n))
	}
	if why := s.Addons[name]; why != "" {
		a.Summary = append(a.Summary, "What stands behind the add-on is not well: "+why)
	}
}

// explainPod tells what is known of a pod: of its Kubernetes object by the
// control plane, and of its sandbox by the engine.
func (e *Emulator) explainPod(ctx context.Context, a *Why, of eksRef) error {
	a.Summary = append(a.Summary, e.planeSays(ctx, of.cluster, of.pod)...)
	var s *sandbox.Sandbox
	err := e.store.View(ctx, func(tx *store.Tx) (err error) {
		s, err = sandboxOfPod(tx, of)
		return err
	})
	id := ""
	switch {
	case errors.Is(err, store.ErrNotFound):
		past, err := e.pastPod(ctx, of)
		if err != nil {
			return err
		}
		if past == nil {
			a.Summary = append(a.Summary, "It has no sandbox, and the history knows of none.")
			return nil
		}
		id = past.Key
		a.Summary = append(a.Summary, fmt.Sprintf("The record of its last sandbox was removed at %s by %s.", past.At.Format(time.RFC3339), past.By))
	case err != nil:
		return err
	default:
		id = s.Spec.ID
		a.Summary = appendNew(a.Summary, sandbox.Why(s)...)
	}
	changes, err := e.store.History(ctx, store.HistoryQuery{Key: id, Limit: maxHistory, Reverse: true})
	for _, c := range slices.Backward(changes) {
		a.History = append(a.History, event(c, ecs.Tell(c)))
	}
	return err
}

// planeSays asks the control plane of a cluster. That it cannot be asked is an
// answer, too.
func (e *Emulator) planeSays(ctx context.Context, arn, pod string) []string {
	if e.services.planes == nil {
		if pod == "" {
			return nil // the cluster's health says it
		}
		return []string{"This emulator keeps records only of EKS (--eks=records): no pod ever runs."}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sentences, err := e.services.planes.Why(ctx, arn, pod)
	if err != nil {
		return []string{"The control plane cannot be asked: " + err.Error()}
	}
	return sentences
}

// addWithoutEffect names what was accepted without effect.
func (e *Emulator) addWithoutEffect(ctx context.Context, a *Why, of eksRef) error {
	return e.store.View(ctx, func(tx *store.Tx) error {
		if of.key == of.cluster {
			c, err := eks.Find(tx, of.cluster)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			a.Ineffective = append(a.Ineffective, eks.Ineffective(c)...)
		}
		parts, err := eks.IneffectiveParts(tx, of.key)
		a.Ineffective = append(a.Ineffective, parts...)
		return err
	})
}

func says(sentences []string, text string) bool {
	return slices.ContainsFunc(sentences, func(s string) bool { return strings.Contains(s, text) })
}

// appendNew adds sentences that were not said.
func appendNew(all []string, more ...string) []string {
	for _, text := range more {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// nameOf is a cluster's name; "" of what is no cluster.
func nameOf(of eksRef) string {
	if of.key != of.cluster || of.pod != "" {
		return ""
	}
	return of.cluster[strings.LastIndexByte(of.cluster, '/')+1:]
}
