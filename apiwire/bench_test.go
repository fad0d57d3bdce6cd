package apiwire_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/neargate/neargate/apiwire"
)

// describeTasks is an answer with 100 Fargate tasks of two containers, about
// 225 KB on the wire.
func describeTasks() *ecs.DescribeTasksOutput {
	out := &ecs.DescribeTasksOutput{Failures: []types.Failure{}}
	for i := range 100 {
		out.Tasks = append(out.Tasks, fargateTask(i))
	}
	return out
}

func fargateTask(i int) types.Task {
	arn := fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:task/default/%032x", i)
	at := func(s int) *time.Time { return aws.Time(time.UnixMilli(1767225600123 + int64(i*1000+s)).UTC()) }
	t := types.Task{
		TaskArn: &arn, ClusterArn: aws.String("arn:aws:ecs:us-east-1:123456789012:cluster/default"),
		TaskDefinitionArn: aws.String("arn:aws:ecs:us-east-1:123456789012:task-definition/web:17"),
		AvailabilityZone:  aws.String("us-east-1a"), Connectivity: types.ConnectivityConnected, ConnectivityAt: at(1),
		Cpu: aws.String("256"), Memory: aws.String("512"), CreatedAt: at(2), StartedAt: at(3), PullStartedAt: at(4), PullStoppedAt: at(5),
		DesiredStatus: aws.String("RUNNING"), LastStatus: aws.String("RUNNING"), HealthStatus: types.HealthStatusHealthy,
		Group: aws.String("service:web"), StartedBy: aws.String("ecs-svc/1234567890123456789"), LaunchType: types.LaunchTypeFargate,
		PlatformVersion: aws.String("1.4.0"), PlatformFamily: aws.String("Linux"), Version: 5,
		EphemeralStorage: &types.EphemeralStorage{SizeInGiB: 20}, FargateEphemeralStorage: &types.TaskEphemeralStorage{SizeInGiB: 20},
		Attributes:            []types.Attribute{{Name: aws.String("ecs.cpu-architecture"), Value: aws.String("x86_64")}},
		Overrides:             &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("web")}, {Name: aws.String("log")}}, InferenceAcceleratorOverrides: []types.InferenceAcceleratorOverride{}},
		InferenceAccelerators: []types.InferenceAccelerator{},
		Tags:                  []types.Tag{{Key: aws.String("env"), Value: aws.String("test")}},
		Attachments:           []types.Attachment{{Id: aws.String("11111111-2222-3333-4444-555555555555"), Type: aws.String("ElasticNetworkInterface"), Status: aws.String("ATTACHED"), Details: details()}},
	}
	for _, name := range []string{"web", "log"} {
		t.Containers = append(t.Containers, types.Container{
			ContainerArn: aws.String("arn:aws:ecs:us-east-1:123456789012:container/default/0123456789abcdef/" + name),
			TaskArn:      &arn, Name: aws.String(name), Image: aws.String("public.ecr.aws/nginx/nginx:1.27"), Cpu: aws.String("0"),
			ImageDigest: aws.String("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
			RuntimeId:   aws.String("0123456789abcdef0123456789abcdef-1234567890"), LastStatus: aws.String("RUNNING"),
			NetworkBindings: []types.NetworkBinding{}, HealthStatus: types.HealthStatusHealthy,
			NetworkInterfaces: []types.NetworkInterface{{AttachmentId: aws.String("11111111-2222-3333-4444-555555555555"), PrivateIpv4Address: aws.String("10.0.1.17")}},
		})
	}
	return t
}

func details() []types.KeyValuePair {
	var d []types.KeyValuePair
	for k, v := range map[string]string{
		"subnetId": "subnet-0123456789abcdef0", "networkInterfaceId": "eni-0123456789abcdef0", "macAddress": "0a:11:22:33:44:55",
		"privateDnsName": "ip-10-0-1-17.ec2.internal", "privateIPv4Address": "10.0.1.17",
	} {
		d = append(d, types.KeyValuePair{Name: &k, Value: &v})
	}
	return d
}

func BenchmarkEncodeDescribeTasks(b *testing.B) {
	e, out := echoECS(), describeTasks()
	b.Run("apiwire", func(b *testing.B) {
		var buf []byte
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if buf, err = apiwire.EncodeJSON(e.service, "DescribeTasks", buf, out); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		var n int
		for b.Loop() {
			text, err := json.Marshal(out)
			if err != nil {
				b.Fatal(err)
			}
			n = len(text)
		}
		b.SetBytes(int64(n))
	})
}

func BenchmarkDecodeDescribeTasks(b *testing.B) {
	e := echoECS()
	wire, err := apiwire.EncodeJSON(e.service, "DescribeTasks", nil, describeTasks())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("apiwire", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(wire)))
		for b.Loop() {
			var out ecs.DescribeTasksOutput
			if err := apiwire.DecodeOutput(e.service, "DescribeTasks", wire, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	// The standard library cannot read epoch times, so it reads what it wrote.
	text, err := json.Marshal(describeTasks())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var out ecs.DescribeTasksOutput
			if err := json.Unmarshal(text, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
}
