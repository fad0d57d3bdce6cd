package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// exportLogs has the cluster write all of its control plane's logs.
func exportLogs(t *testing.T, c *eksCluster) {
	t.Helper()
	c.cli(t).aws("eks update-cluster-config --name {} --logging {}", c.name,
		`{"clusterLogging":[{"types":["api","audit","authenticator","controllerManager","scheduler"],"enabled":true}]}`)
	c.active(t)
}

// planeEvents are what the control plane has logged to streams of a kind.
func (c *eksCluster) planeEvents(prefix string) ([]types.FilteredLogEvent, error) {
	var all []types.FilteredLogEvent
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(c.server.config()), &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String("/aws/eks/" + c.name + "/cluster"), LogStreamNamePrefix: aws.String(prefix),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			return nil, err
		}
		all = append(all, page.Events...)
	}
	return all, nil
}

// planeLogs looks for what two users have done in the logs of the cluster:
// one who may view, and one whom nothing maps.
func planeLogs(t *testing.T, c *eksCluster, viewer, nobody *user) {
	t.Helper()
	find := func(prefix string, is func(text string) bool) {
		t.Helper()
		eventually(t, "what was done is in "+prefix, 20*time.Second, func() error {
			all, err := c.planeEvents(prefix)
			if err != nil {
				return err
			}
			for _, e := range all {
				if !regexp.MustCompile(`^` + prefix + `[0-9a-f]{32}$`).MatchString(aws.ToString(e.LogStreamName)) {
					return fmt.Errorf("the stream is %s", aws.ToString(e.LogStreamName))
				}
				if is(aws.ToString(e.Message)) {
					return nil
				}
			}
			return fmt.Errorf("it is not among %d events", len(all))
		})
	}
	find("authenticator-", func(text string) bool {
		return strings.Contains(text, `level=info msg="access granted" arn="`+viewer.arn+`"`) && strings.Contains(text, ` path=/authenticate `)
	})
	find("authenticator-", func(text string) bool {
		return strings.Contains(text, `level=warning msg="access denied" arn="`+nobody.arn+`"`) && strings.Contains(text, `error="ARN is not mapped: `+nobody.arn+`"`)
	})
	find("kube-apiserver-audit-", func(text string) bool {
		var e struct {
			Kind, APIVersion, Stage, Level, Verb string
			User                                 struct{ Username string }
			ObjectRef                            struct{ Resource, Namespace string }
			ResponseStatus                       struct{ Code int }
			Annotations                          map[string]string
		}
		return json.Unmarshal([]byte(text), &e) == nil && e.Kind == "Event" && e.APIVersion == "audit.k8s.io/v1" && e.Stage == "ResponseComplete" &&
			e.Level == "Metadata" && e.User.Username == viewer.arn && e.Verb == "list" && e.ObjectRef.Resource == "secrets" &&
			e.ResponseStatus.Code == 403 && e.Annotations["authorization.k8s.io/decision"] == "forbid"
	})
}
