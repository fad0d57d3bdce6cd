package pods_test

import (
	"context"
	"slices"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/emulator/sandbox"
)

// asking is a sandbox in which a is asked about.
func asking(cs sandbox.ContainerStatus) *sandbox.Sandbox {
	b := box(cs)
	b.Spec.Containers = []sandbox.Container{{Name: "a", Image: "nginx:1", Asks: true}}
	return b
}

func TestAnswers(t *testing.T) {
	s := newStage(t, pod("a"), node())
	early := at(sandbox.ContainerPulling)
	early.Told = 1
	s.is(asking(early))
	s.round() // what the worker has not seen before may have changed
	s.took("tell a 0 [old]")
	s.round()
	s.took("")
	s.words.text = "new"
	s.w.Dirty(boxes.ID(uid))
	s.round()
	s.took("tell a 0 [new]")

	lost := ended("a", 1)
	lost.Asking, lost.RestartAt = true, lost.FinishedAt
	s.is(asking(lost))
	s.words.problems = pods.Problems{{Reason: "CreateContainerConfigError", Container: "a", Message: `configmap "x" not found`}}
	if again := s.round(); again <= time.Second || again > 10*time.Second {
		t.Errorf("again in %v", again)
	}
	s.took(`tell a 1 CreateContainerConfigError configmap "x" not found`)
	if again := s.round(); again <= 0 || again > 10*time.Second {
		t.Errorf("again in %v", again)
	}
	s.took("")
	s.words.problems = nil
	s.events = nil
	s.w.Dirty(boxes.ID(uid))
	s.round()
	s.took("tell a 1 [new]")
	s.told("InvalidEnvironmentVariableNames: 1st")
	s.round() // asked again at once, as after a run that was short
	s.took("tell a 1 [new]")
	s.parent.fails["tell"] = errAway
	if _, err := s.w.Sync(t.Context(), boxes.ID(uid)); err == nil {
		t.Error("the error was swallowed")
	}
	p, _ := s.get()
	if why := s.w.Why(p); !slices.Contains(why, "procMount has no effect.") {
		t.Error(why)
	}
}

// configMap has a ConfigMap be so; nil has it go.
func (l *life) configMap(name string, data map[string]string) {
	l.Helper()
	api := l.client.CoreV1().ConfigMaps("default")
	cm := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}, Data: data}
	_, err := api.Get(context.Background(), name, metav1.GetOptions{})
	switch {
	case data == nil:
		err = api.Delete(context.Background(), name, metav1.DeleteOptions{})
	case err != nil:
		_, err = api.Create(context.Background(), cm, metav1.CreateOptions{})
	default:
		_, err = api.Update(context.Background(), cm, metav1.UpdateOptions{})
	}
	if err != nil {
		l.Fatal(err)
	}
}

// taking is a container that takes a variable from a ConfigMap.
func taking(name, environment, key, from string) v1.Container {
	c := script(name, environment)
	c.Env = append(c.Env, v1.EnvVar{Name: key, ValueFrom: &v1.EnvVarSource{
		ConfigMapKeyRef: &v1.ConfigMapKeySelector{LocalObjectReference: v1.LocalObjectReference{Name: from}, Key: key},
	}})
	return c
}

const notFound = `a waits CreateContainerConfigError configmap "x" not found`

func TestLifeOfOneThatLacksItsConfigMap(t *testing.T) {
	live(t, podOf(v1.RestartPolicyAlways, taking("a", "", "FAKE_RUN_FOR", "x"), script("b", "")), func(l *life) {
		l.is(time.Second, "Pending; "+notFound+"; b running")
		l.is(35*time.Second, "Pending; "+notFound+"; b running")
		l.configMap("x", map[string]string{"OTHER": "1h"})
		l.is(35500*time.Millisecond, `Pending; a waits CreateContainerConfigError couldn't find key FAKE_RUN_FOR in ConfigMap default/x; b running`)
		l.configMap("x", map[string]string{"FAKE_RUN_FOR": "1h"})
		l.is(36*time.Second, "Running ready; a running; b running")
		if got := l.at(36 * time.Second).Status.ContainerStatuses; got[0].RestartCount != 0 || got[1].RestartCount != 0 {
			t.Errorf("%+v", got)
		}
		if got := l.events(); !slices.Contains(got, "Failed a") || slices.Contains(got, "Failed b") {
			t.Error(got)
		}
	})
}

func TestLifeOfInitContainersThatLackTheirs(t *testing.T) {
	p := podOf(v1.RestartPolicyAlways, taking("a", "", "FAKE_RUN_FOR", "x"))
	p.Spec.InitContainers = []v1.Container{taking("i", "", "FAKE_RUN_FOR", "y")}
	live(t, p, func(l *life) {
		l.is(time.Second, `Pending; i waits CreateContainerConfigError configmap "y" not found; a waits PodInitializing`)
		l.configMap("y", map[string]string{"FAKE_RUN_FOR": "10s"})
		l.is(2*time.Second, "Pending; i running; a waits PodInitializing")
		l.configMap("x", map[string]string{"FAKE_RUN_FOR": "1h"}) // made while the first runs
		l.is(12*time.Second, "Running ready; i ended Completed 0; a running")
	})
}

func TestLifeTakesWhatIsThereThen(t *testing.T) {
	p := podOf(v1.RestartPolicyAlways, taking("a", "FAKE_EXIT=1", "FAKE_RUN_FOR", "x"))
	live(t, p, func(l *life) {
		l.configMap("x", map[string]string{"FAKE_RUN_FOR": "5s"})
		l.is(time.Second, "Running ready; a running")
		l.configMap("x", map[string]string{"FAKE_RUN_FOR": "20s"})
		l.is(10*time.Second, "Running ready; a running")
		if got := l.at(10 * time.Second).Status.ContainerStatuses[0].RestartCount; got != 1 {
			t.Errorf("%d restarts", got)
		}
		l.configMap("x", nil)
		l.is(24*time.Second, "Running ready; a running")
		l.is(30*time.Second, "Running; a waits CrashLoopBackOff back-off 10s restarting failed container=a pod=web_default(UID); before: ended Error 1; restarts 1")
		l.is(40*time.Second, "Running; "+notFound+"; before: ended Error 1; restarts 1")
		if got := l.at(40 * time.Second).Status.ContainerStatuses[0]; got.State.Terminated != nil || got.LastTerminationState.Terminated == nil {
			t.Errorf("%+v", got)
		}
		l.configMap("x", map[string]string{"FAKE_RUN_FOR": "1h"})
		l.is(41*time.Second, "Running ready; a running")
		if got := l.at(41 * time.Second).Status.ContainerStatuses[0].RestartCount; got != 2 {
			t.Errorf("%d restarts", got)
		}
	})
}
