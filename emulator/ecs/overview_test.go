package ecs_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

func (w *world) view(t *testing.T, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := w.st.View(w.ctx, fn); err != nil {
		t.Error(err)
	}
}

// TestOverview lists what has not stopped, cluster by cluster.
func TestOverview(t *testing.T) {
	w := newWorld(t)
	task := w.running(nil)
	ended := w.run(launch("web"))[0]
	w.stopped(idOf(ended.TaskArn))
	w.otherCluster()
	w.view(t, func(tx *store.Tx) error {
		list, err := ecs.Overview(tx)
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		d := list[0]
		if d.Name != "default" || d.Account != testAccount || d.Region != testRegion || d.Stopped != 1 || len(d.Tasks) != 1 || len(list[1].Tasks) != 1 {
			t.Errorf("%+v", list)
		}
		if one := d.Tasks[0]; one.ID != idOf(task.TaskArn) || one.Status != "RUNNING" || one.Definition != "web:1" || one.Address != "172.31.0.5" {
			t.Errorf("%+v", one)
		}
		return nil
	})
}

// TestKeys finds what a person may mean.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	task := w.runOne(fargateDefinition("web"), nil)
	id := idOf(task.TaskArn)
	for i, last := range "12" { // two ids that are alike
		twin := "ffffffffffffffffffffffffffffff0" + string(last)
		err := w.st.Update(w.ctx, "test", func(tx *store.Tx) error {
			spec := w.sandboxSpec(tx, id)
			spec.ID, spec.Owner = twin, strings.Replace(spec.Owner, id, twin, 1)
			return sandbox.Create(tx, spec)
		})
		if err != nil {
			t.Fatal(i, err)
		}
	}
	for _, c := range []struct {
		ref  string
		want []string
	}{
		{"default", []string{*task.ClusterArn}},
		{"web:1", []string{*task.TaskDefinitionArn}},
		{id, []string{*task.TaskArn, id}},
		{*task.TaskArn, []string{*task.TaskArn, id}},
		{id[:8], []string{*task.TaskArn, id}},
		{id[:3], nil},
		{"web:2", nil},
	} {
		w.view(t, func(tx *store.Tx) error {
			got, err := ecs.Keys(tx, testAccount, testRegion, c.ref)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", c.ref, got, c.want)
			}
			return err
		})
	}
	w.view(t, func(tx *store.Tx) error {
		if got, err := ecs.Keys(tx, testAccount, testRegion, "ffffff"); err == nil || !strings.Contains(err.Error(), "several tasks begin with ffffff") {
			t.Errorf("two tasks could be meant: %v, %v", got, err)
		}
		got, names, err := ecs.SandboxOf(tx, id[:8], "")
		if got != id || !slices.Equal(names, []string{"web"}) || err != nil {
			t.Errorf("%s, %v, %v", got, names, err)
		}
		if _, names, err = ecs.SandboxOf(tx, id, "db"); !errors.Is(err, store.ErrNotFound) || len(names) != 1 {
			t.Errorf("unknown container: %v, %v", names, err)
		}
		if _, names, err = ecs.SandboxOf(tx, unknownID, ""); !errors.Is(err, store.ErrNotFound) || names != nil {
			t.Errorf("unknown task: %v, %v", names, err)
		}
		for _, key := range []string{*task.TaskArn, *task.TaskDefinitionArn} {
			if d, err := ecs.DefinitionOf(tx, key); err != nil || d == nil || *d.Family != "web" {
				t.Errorf("%s: %+v, %v", key, d, err)
			}
		}
		if d, err := ecs.DefinitionOf(tx, "nothing"); d != nil || err != nil {
			t.Errorf("%+v, %v", d, err)
		}
		return nil
	})
}

func (w *world) sandboxSpec(tx *store.Tx, id string) sandbox.Spec {
	s, err := sandbox.Get(tx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Spec
}

// TestTell puts the life of a task into words.
func TestTell(t *testing.T) {
	w := newWorld(t)
	task := w.running(nil)
	if _, err := w.TagResource(w.ctx, &sdk.TagResourceInput{ResourceArn: task.TaskArn, Tags: []types.Tag{tag("k", "v")}}); err != nil {
		t.Fatal(err)
	}
	id := idOf(task.TaskArn)
	w.becomes(id, func(s *sandbox.Sandbox) {
		s.Desired = sandbox.Desired{Stopped: true, Code: "UserInitiated", Reason: "enough"}
		s.Status.Trouble = "Docker is away"
		k := &s.Status.Containers[0]
		k.State, k.ExitCode, k.Reason = sandbox.ContainerStopped, aws.Int(137), "killed"
	})
	var got []string
	for _, key := range []string{*task.ClusterArn, *task.TaskDefinitionArn, *task.TaskArn, id} {
		changes, err := w.st.History(w.ctx, store.HistoryQuery{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			got = append(got, strings.Join(ecs.Tell(c), "; "))
		}
	}
	want := []string{
		"cluster ACTIVE", "task definition ACTIVE", "task of web:1 in subnet-a", "1 tags",
		"PROVISIONING",
		"PENDING; address 172.31.0.5; web PULLING; router PULLING",
		"ACTIVATING; web RUNNING; router RUNNING",
		"RUNNING; web HEALTHY",
		"to be stopped: enough (UserInitiated); trouble: Docker is away; web STOPPED (exit code 137): killed",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, c := range []struct {
		before, after, want string
	}{
		{`{"a":1,"b":2,"c":3}`, `{"b":3,"c":3,"d":null}`, "changed a, b, d"},
		{"", `{}`, "created"},
		{`{}`, "", "removed"},
		{`[]`, `{}`, "changed"},
	} {
		change := store.Change{Kind: "other", Before: json.RawMessage(c.before), After: json.RawMessage(c.after)}
		if c.before == "" {
			change.Before = nil
		}
		if c.after == "" {
			change.After = nil
		}
		if got := strings.Join(ecs.Tell(change), "; "); got != c.want {
			t.Errorf("%s → %s: %q, want %q", c.before, c.after, got, c.want)
		}
	}
}

// TestIneffectiveOf adds to what a definition asks for in vain what a request
// did.
func TestIneffectiveOf(t *testing.T) {
	w := newWorld(t)
	_, err := w.PutClusterCapacityProviders(w.ctx, &sdk.PutClusterCapacityProvidersInput{
		Cluster: aws.String("default"), CapacityProviders: []string{"FARGATE_SPOT"}, DefaultCapacityProviderStrategy: strategy(),
	})
	if err != nil {
		t.Fatal(err)
	}
	d := twoContainers()
	d.ExecutionRoleArn = aws.String("exec")
	plain := w.runOne(d, nil)
	odd := w.runOne(d, func(in *sdk.RunTaskInput) {
		in.LaunchType, in.CapacityProviderStrategy = "", strategy(item("FARGATE_SPOT", 0, 1))
		in.EnableExecuteCommand, in.ReferenceId, in.PlatformVersion = true, aws.String("r"), aws.String("1.3.0")
	})
	for _, c := range []struct {
		key  string
		want string // first words
	}{
		{*plain.TaskArn, "executionRoleArn"},
		{*odd.TaskArn, "executionRoleArn enableExecuteCommand capacityProviderStrategy[FARGATE_SPOT] platformVersion referenceId"},
		{*plain.TaskDefinitionArn, "executionRoleArn"},
		{"nothing", ""},
	} {
		w.view(t, func(tx *store.Tx) error {
			list, err := ecs.IneffectiveOf(tx, c.key)
			var words []string
			for _, text := range list {
				field, _, _ := strings.Cut(text, ":")
				words = append(words, field)
			}
			if got := strings.Join(words, " "); got != c.want {
				t.Errorf("%s: got %s, want %s", c.key, got, c.want)
			}
			return err
		})
	}
}

// TestDigits: ten digits, the first of which is not zero.
func TestDigits(t *testing.T) {
	form := regexp.MustCompile(`^[1-9][0-9]{9}$`)
	for range 1000 {
		if d := ecs.Digits(10); !form.MatchString(d) {
			t.Fatal(d)
		}
	}
}

// TestAttachedInterfaces tells EC2 of the interfaces of tasks that have not
// stopped, in one account and region.
func TestAttachedInterfaces(t *testing.T) {
	w := newWorld(t)
	task := w.running(func(in *sdk.RunTaskInput) {
		in.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = []string{"sg-1"}
	})
	early := w.run(launch("web"))[0]
	w.stopped(idOf(w.run(launch("web"))[0].TaskArn))
	w.view(t, func(tx *store.Tx) error {
		list, err := ecs.AttachedInterfaces(tx, testAccount+"/"+testRegion)
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		for _, one := range list {
			switch one.TaskARN {
			case *task.TaskArn:
				if one.Attaching || one.Address.IP != "172.31.0.5" || one.Groups[0].ID != "sg-1" || one.Subnet != "subnet-a" ||
					one.AttachmentARN != arnPrefix+"attachment/"+*task.Attachments[0].Id {
					t.Errorf("%+v", one)
				}
			case *early.TaskArn:
				if !one.Attaching || one.Groups[0].ID != "sg-default" {
					t.Errorf("%+v", one)
				}
			default:
				t.Errorf("an interface of %s", one.TaskARN)
			}
		}
		if list, err = ecs.AttachedInterfaces(tx, testAccount+"/us-east-1"); err != nil || len(list) != 0 {
			t.Errorf("in another region: %+v, %v", list, err)
		}
		return nil
	})
	for region, want := range map[string][2]string{
		"us-east-1": {"ip-10-0-0-1.ec2.internal", "ec2-10-0-0-1.compute-1.amazonaws.com"},
		"eu-west-1": {"ip-10-0-0-1.eu-west-1.compute.internal", "ec2-10-0-0-1.eu-west-1.compute.amazonaws.com"},
	} {
		if got := [2]string{ecs.PrivateDNSName("10.0.0.1", region), ecs.PublicDNSName("10.0.0.1", region)}; got != want {
			t.Errorf("%s: %v", region, got)
		}
	}
}
