package translate_test

import (
	"testing"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
)

// FuzzLogging: whatever the ConfigMap holds, it is either refused or leads
// somewhere or nowhere, without a panic.
func FuzzLogging(f *testing.F) {
	f.Add(userGuideOutput, userGuideFilters, userGuideParsers)
	f.Add("[OUTPUT]\nName cloudwatch\nMatch *a*b*\nlog_group_name $(kubernetes['labels']['x'])$(tag)\nlog_stream_prefix $TAG", "[FILTER]\nName kubernetes\nMatch *", "")
	f.Fuzz(func(t *testing.T, output, filters, parsers string) {
		o, err := translate.Logging(logging(map[string]string{"output.conf": output, "filters.conf": filters, "parsers.conf": parsers}))
		if err != nil {
			return
		}
		pod := shopPod(box())
		pod.Annotations["Logging"] = "LoggingEnabled"
		r := translated(t, pod, &objects{}, func(e *translate.Environment) { e.Outputs = o })
		if log := r.Completion.Containers[0].Log; log.Driver != "" && (log.Options["awslogs-group"] == "" || log.Options["awslogs-stream"] == "") {
			t.Errorf("a log without a place: %v", log)
		}
	})
}
