package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// workload is a registered task definition and the RunTask requests for it,
// which take turns.
type workload struct {
	s        *server
	requests [][]byte
	tens     [][]byte // the same for ten tasks
	turn     atomic.Int64
}

type object = map[string]any

// newWorkload makes tasks in a subnet of the default VPC.
func newWorkload(s *server, image string) (*workload, error) {
	w := &workload{s: s}
	if err := w.register(image); err != nil {
		return nil, err
	}
	var subnets struct {
		IDs []string `xml:"subnetSet>item>subnetId"`
	}
	if err := s.ec2("DescribeSubnets", nil, &subnets); err != nil {
		return nil, err
	}
	return w, w.add(subnets.IDs[0])
}

// newWideWorkload makes tasks in so many VPCs that n of them find addresses: a
// VPC holds 65,000.
func newWideWorkload(s *server, image string, n int) (*workload, error) {
	w := &workload{s: s}
	if err := w.register(image); err != nil {
		return nil, err
	}
	for i := range n/60_000 + 1 {
		var vpc struct {
			ID string `xml:"vpc>vpcId"`
		}
		block := fmt.Sprintf("10.%d.0.0/16", i)
		if err := s.ec2("CreateVpc", url.Values{"CidrBlock": {block}}, &vpc); err != nil {
			return nil, err
		}
		var subnet struct {
			ID string `xml:"subnet>subnetId"`
		}
		if err := s.ec2("CreateSubnet", url.Values{"CidrBlock": {block}, "VpcId": {vpc.ID}}, &subnet); err != nil {
			return nil, err
		}
		if err := w.add(subnet.ID); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *workload) register(image string) error {
	if err := w.s.call("CreateCluster", object{}, nil); err != nil {
		return err
	}
	return w.s.call("RegisterTaskDefinition", object{
		"family": "bench", "cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": []string{"FARGATE"},
		"containerDefinitions": []object{{"name": "web", "image": image}},
	}, nil)
}

// add makes tasks in one more subnet.
func (w *workload) add(subnet string) error {
	request := object{
		"taskDefinition": "bench", "launchType": "FARGATE",
		"networkConfiguration": object{"awsvpcConfiguration": object{"subnets": []string{subnet}}},
	}
	one, err := json.Marshal(request)
	request["count"] = 10
	ten, err2 := json.Marshal(request)
	w.requests, w.tens = append(w.requests, one), append(w.tens, ten)
	return errors.Join(err, err2)
}

func (w *workload) ten() []byte { return w.tens[int(w.turn.Add(1))%len(w.tens)] }

func (w *workload) request() []byte {
	return w.requests[int(w.turn.Add(1))%len(w.requests)]
}

type task struct {
	TaskArn, LastStatus string
	StoppedReason       string
}

func (w *workload) runOne() (task, error) {
	var out struct{ Tasks []task }
	if err := w.s.send("RunTask", w.request(), &out); err != nil {
		return task{}, err
	}
	return out.Tasks[0], nil
}

// parallel calls fn n times from several goroutines and returns how long it
// took together.
func parallel(clients, n int, fn func() error) (time.Duration, error) {
	jobs := make(chan struct{}, n)
	for range n {
		jobs <- struct{}{}
	}
	close(jobs)
	failed := make(chan error, clients)
	var all sync.WaitGroup
	began := time.Now()
	for range clients {
		all.Go(func() {
			for range jobs {
				if err := fn(); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	close(failed)
	return took, <-failed
}
