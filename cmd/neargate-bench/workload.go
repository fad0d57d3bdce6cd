package main

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"sync"
	"time"
)

// workload is a registered task definition and the RunTask request for it.
type workload struct {
	s       *server
	request []byte
}

type object = map[string]any

func newWorkload(s *server, image string) (*workload, error) {
	var subnets struct {
		IDs []string `xml:"subnetSet>item>subnetId"`
	}
	answer, err := http.Get("http://" + s.address + "/?Action=DescribeSubnets&Version=2016-11-15")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if err := xml.NewDecoder(answer.Body).Decode(&subnets); err != nil {
		return nil, err
	}
	if err := s.call("CreateCluster", object{}, nil); err != nil {
		return nil, err
	}
	definition := object{
		"family": "bench", "cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": []string{"FARGATE"},
		"containerDefinitions": []object{{"name": "web", "image": image}},
	}
	if err := s.call("RegisterTaskDefinition", definition, nil); err != nil {
		return nil, err
	}
	w := &workload{s: s}
	w.request, err = json.Marshal(object{
		"taskDefinition": "bench", "launchType": "FARGATE",
		"networkConfiguration": object{"awsvpcConfiguration": object{"subnets": subnets.IDs[:1]}},
	})
	return w, err
}

type task struct {
	TaskArn, LastStatus string
	StoppedReason       string
}

func (w *workload) runOne() (task, error) {
	var out struct{ Tasks []task }
	if err := w.s.send("RunTask", w.request, &out); err != nil {
		return task{}, err
	}
	return out.Tasks[0], nil
}

// run starts n tasks, with that many clients at once.
func (w *workload) run(clients, n int) error {
	_, err := parallel(clients, n, func() error { return w.s.send("RunTask", w.request, nil) })
	return err
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
