package pods_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	authv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// translated is a worker's own translator, over these objects.
func translated(t *testing.T, objects ...runtime.Object) (pods.Translator, *fake.Clientset) {
	t.Helper()
	client := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	w, err := pods.New(pods.Config{
		Client: client, Informers: factory, Boxes: &boxMap{}, Parent: &parent{}, Log: zerolog.Nop(),
		Cluster:  link.Config{ARN: clusterARN, Region: "us-east-1", EmulatorURL: "http://aws:4566"},
		Settings: func() link.Settings { return link.Settings{Version: "1.35"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	t.Cleanup(func() { cancel(); factory.Shutdown() })
	return w.Translator, client
}

func variable(c sandbox.Container, name string) string {
	for _, e := range slices.Backward(c.Env) {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}

func referring() *v1.Pod {
	p := mounted()
	p.Spec.Volumes = p.Spec.Volumes[:1]
	p.Spec.Containers[0].VolumeMounts = []v1.VolumeMount{{Name: "v", MountPath: "/v"}}
	p.Spec.Containers[0].Env = []v1.EnvVar{
		{Name: "S", ValueFrom: &v1.EnvVarSource{SecretKeyRef: &v1.SecretKeySelector{LocalObjectReference: v1.LocalObjectReference{Name: "s"}, Key: "k"}}},
		{Name: "IP", ValueFrom: &v1.EnvVarSource{FieldRef: &v1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
		{Name: "HOST", ValueFrom: &v1.EnvVarSource{FieldRef: &v1.ObjectFieldSelector{FieldPath: "status.hostIP"}}},
	}
	return p
}

func TestTranslates(t *testing.T) {
	cm := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "c"}, Data: map[string]string{"k": "text"}}
	secret := &v1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "s"}, Data: map[string][]byte{"k": []byte("hush")}}
	other := node()
	other.Status.Addresses[1].Address = "10.0.9.9"
	tr, _ := translated(t, cm, secret, other)
	got, err := tr.Pod(t.Context(), referring(), openBox())
	if err != nil {
		t.Fatal(err)
	}
	c := got.Completion.Containers[0]
	if variable(c, "S") != "hush" || variable(c, "IP") != "10.0.1.5" || variable(c, "HOST") != "10.0.9.9" {
		t.Errorf("%+v", c.Env)
	}
	if v := got.Completion.Volumes[0]; v.Name != "v" || string(v.Files[0].Data) != "text" {
		t.Errorf("%+v", v)
	}
	files, due, err := tr.Volume(t.Context(), referring(), openBox(), "v")
	if err != nil || string(files[0].Data) != "text" || !due.IsZero() {
		t.Error(files, due, err)
	}
}

func TestMissingObjectsAreProblems(t *testing.T) {
	tr, client := translated(t)
	_, err := tr.Pod(t.Context(), referring(), openBox())
	var p pods.Problems
	if !errors.As(err, &p) || len(p) != 1 {
		t.Fatal(err)
	}
	if p[0].Reason != "FailedMount" || p[0].Message != `MountVolume.SetUp failed for volume "v" : configmap "c" not found` || p[0].Container != "" {
		t.Errorf("%+v", p[0])
	}
	if _, err = tr.Container(t.Context(), referring(), openBox(), "a"); !errors.As(err, &p) || len(p) != 1 {
		t.Fatal(err)
	}
	if p[0].Reason != "CreateContainerConfigError" || p[0].Message != `secret "s" not found` || p[0].Container != "a" {
		t.Errorf("%+v", p[0])
	}
	client.PrependReactor("get", "secrets", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewInternalError(errAway)
	})
	if _, err = tr.Container(t.Context(), referring(), openBox(), "a"); err == nil || errors.As(err, new(pods.Problems)) {
		t.Errorf("an API that is away is no problem of the pod's: %v", err)
	}
}

func TestTokensAreAskedForOnce(t *testing.T) {
	p := pod("a")
	seconds := int64(3600)
	p.Spec.ServiceAccountName = "robot"
	p.Spec.Volumes = []v1.Volume{{Name: "t", VolumeSource: v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{
		{ServiceAccountToken: &v1.ServiceAccountTokenProjection{Path: "token", Audience: "sts.amazonaws.com", ExpirationSeconds: &seconds}},
	}}}}}
	p.Spec.Containers[0].VolumeMounts = []v1.VolumeMount{{Name: "t", MountPath: "/t"}}
	tr, client := translated(t)
	asked := 0
	client.PrependReactor("create", "serviceaccounts", func(a k8stesting.Action) (bool, runtime.Object, error) {
		asked++
		q := a.(k8stesting.CreateAction).GetObject().(*authv1.TokenRequest)
		if q.Spec.Audiences[0] != "sts.amazonaws.com" || *q.Spec.ExpirationSeconds != 3600 || q.Spec.BoundObjectRef.UID != uid || q.Spec.BoundObjectRef.Name != "web" {
			t.Errorf("%+v", q.Spec)
		}
		q.Status = authv1.TokenRequestStatus{Token: strings.Repeat("t", asked), ExpirationTimestamp: metav1.NewTime(time.Now().Add(time.Hour))}
		return true, q, nil
	})
	for range 2 {
		files, due, err := tr.Volume(t.Context(), p, openBox(), "t")
		if err != nil || string(files[0].Data) != "t" {
			t.Fatal(files, err)
		}
		if left := time.Until(due); left < 47*time.Minute || left > 48*time.Minute {
			t.Errorf("due in %v", left)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
