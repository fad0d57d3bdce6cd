package translate_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/sandbox"
)

const (
	userGuideOutput = `
[OUTPUT]
    Name cloudwatch_logs
    Match   kube.*
    region us-east-1
    log_group_name my-logs
    log_stream_prefix from-fluent-bit-
    log_retention_days 60
    auto_create_group true
`
	userGuideFilters = `
# the tutorial's
[FILTER]
    Name parser
    Match *
    Key_name log
    Parser crio
[FILTER]
    Name kubernetes
    Match kube.*
    Merge_Log On
`
	userGuideParsers = `
[PARSER]
    Name crio
    Format Regex
    Regex ^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>P|F) (?<log>.*)$
`
)

func logging(data map[string]string) *v1.ConfigMap { return configMap("aws-logging", data) }

// logged is where the container of a pod with logging writes to, and the notes
// about that container.
func logged(t *testing.T, data map[string]string) (sandbox.Log, []string) {
	t.Helper()
	o, err := translate.Logging(logging(data))
	if err != nil {
		t.Fatal(err)
	}
	pod := shopPod(box())
	pod.Annotations["Logging"] = "LoggingEnabled"
	r := translated(t, pod, &objects{}, func(e *translate.Environment) { e.Outputs = o })
	for _, n := range o.Notes {
		if !slices.Contains(r.Notes, "aws-observability/aws-logging: "+n) {
			t.Errorf("the pod's notes lack %q", n)
		}
	}
	return r.Completion.Containers[0].Log, slices.DeleteFunc(r.Notes, func(n string) bool { return !strings.HasPrefix(n, "container ") })
}

func TestLoggingOfTheUserGuide(t *testing.T) {
	o, err := translate.Logging(logging(map[string]string{"output.conf": userGuideOutput, "filters.conf": userGuideFilters, "parsers.conf": userGuideParsers, "flb_log_cw": "true"}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"[OUTPUT] cloudwatch_logs: the option log_retention_days has no effect",
		"[FILTER] parser (Match *) has no effect",
		"[FILTER] kubernetes adds no metadata to lines; names of log groups and streams may use it",
		"[PARSER] crio has no effect: lines are sent as the container wrote them",
		"flb_log_cw has no effect: there is no Fluent Bit whose log could be sent",
	}
	if !slices.Equal(o.Notes, want) {
		t.Errorf("notes %q", o.Notes)
	}
	log, notes := logged(t, map[string]string{"output.conf": userGuideOutput})
	stream := log.Options["awslogs-stream"]
	delete(log.Options, "awslogs-stream")
	options := map[string]string{"awslogs-group": "my-logs", "awslogs-region": "us-east-1", "awslogs-create-group": "true"}
	if log.Driver != "awslogs" || !maps.Equal(log.Options, options) || len(notes) != 0 {
		t.Errorf("got %+v, %q", log, notes)
	}
	if !regexp.MustCompile(`^from-fluent-bit-kube\.var\.log\.containers\.web-0_shop_web-[0-9a-f]{64}\.log$`).MatchString(stream) {
		t.Errorf("stream %s", stream)
	}
}

func TestLoggingNeedsTheAnnotation(t *testing.T) {
	o, err := translate.Logging(logging(map[string]string{"output.conf": userGuideOutput}))
	if err != nil {
		t.Fatal(err)
	}
	for annotation, want := range map[string]string{"": "", "LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND": "", "LoggingEnabled": "awslogs"} {
		pod := shopPod(box())
		pod.Annotations["Logging"] = annotation
		r := translated(t, pod, &objects{}, func(e *translate.Environment) { e.Outputs = o })
		if got := r.Completion.Containers[0].Log.Driver; got != want {
			t.Errorf("%q: driver %q", annotation, got)
		}
	}
}

func TestLogTargets(t *testing.T) {
	kubernetes := "[FILTER]\n Name kubernetes\n Match *\n"
	for name, c := range map[string]struct {
		output, filters      string
		group, stream, notes string
	}{
		"named stream":       {"log_group_name g\nlog_stream_name s", "", "g", "s", ""},
		"namespace in group": {"log_group_name /eks/$(kubernetes['namespace_name'])/$(kubernetes['pod_name'])\nlog_stream_name $(kubernetes['container_name'])", kubernetes, "/eks/shop/web-0", "web", ""},
		"template":           {"log_group_template g.$kubernetes['labels']['app']\nlog_group_name g\nlog_stream_template $kubernetes['host']\nlog_stream_prefix p-", kubernetes, "g.web", "fargate-ip-10-0-1-23.us-west-2.compute.internal", ""},
		"template in vain":   {"log_group_template g.$kubernetes['labels']['none']\nlog_group_name g\nlog_stream_name s", kubernetes, "g", "s", ""},
		"no filter":          {"log_group_name g.$(kubernetes['pod_name'])\ndefault_log_group_name d\nlog_stream_name s", "", "d", "s", ""},
		"annotation":         {"log_group_name g.$(kubernetes['annotations']['team'])\nlog_stream_name $(kubernetes['pod_id'])", kubernetes, "g.blue", "11111111-2222-3333-4444-555555555555", ""},
		"no group":           {"log_stream_name s", "", "", "", "it has no log_group_name"},
		"no stream":          {"log_group_name g", "", "", "", "it has neither log_stream_prefix nor log_stream_name"},
	} {
		log, notes := logged(t, map[string]string{"output.conf": "[OUTPUT]\nName cloudwatch\nMatch *\n" + c.output, "filters.conf": c.filters})
		if got := log.Options["awslogs-group"]; got != c.group {
			t.Errorf("%s: group %s", name, got)
		}
		if got := log.Options["awslogs-stream"]; got != c.stream {
			t.Errorf("%s: stream %s", name, got)
		}
		if c.group != "" && log.Options["awslogs-region"] != "us-west-2" {
			t.Errorf("%s: the region is %s", name, log.Options["awslogs-region"])
		}
		if text := strings.Join(notes, "; "); c.notes == "" && text != "" || !strings.Contains(text, c.notes) {
			t.Errorf("%s: notes %s", name, text)
		}
	}
}

func TestLogMatches(t *testing.T) {
	output := func(match, group string) string {
		return "[OUTPUT]\nName cloudwatch_logs\nMatch " + match + "\nlog_group_name " + group + "\nlog_stream_name s\n"
	}
	other := "[OUTPUT]\nName es\nMatch *\nHost h\n"
	for name, c := range map[string]struct{ output, group, note string }{
		"all":          {output("*", "g"), "g", ""},
		"namespace":    {output("kube.*_shop_*", "g"), "g", ""},
		"other":        {output("kube.*_kitchen_*", "g"), "", ""},
		"first of two": {output("*", "g") + output("kube.*", "h"), "g", "not to log group h as well"},
		"second":       {output("x*", "g") + output("kube.*", "h"), "h", ""},
		"not es":       {other + output("*.log", "g"), "g", ""},
		"es alone":     {other, "", ""},
		"whole tag":    {output("kube", "g"), "", ""},
	} {
		log, notes := logged(t, map[string]string{"output.conf": c.output})
		if log.Options["awslogs-group"] != c.group {
			t.Errorf("%s: got %v", name, log.Options)
		}
		if text := strings.Join(notes, "; "); c.note == "" && text != "" || !strings.Contains(text, c.note) {
			t.Errorf("%s: notes %s", name, text)
		}
	}
}

func TestLoggingErrors(t *testing.T) {
	for want, data := range map[string]map[string]string{
		"output.conf: there is no [OUTPUT]":                                      {"filters.conf": userGuideFilters},
		"the ConfigMap has 5301 characters; there may be 5300":                   {"output.conf": userGuideOutput, "x": strings.Repeat("ü", 5301-len(userGuideOutput))},
		"output.conf: section [INPUT] is not supported; there can be [OUTPUT]":   {"output.conf": "[INPUT]\nName tail\n"},
		"filters.conf: section [OUTPUT] is not supported; there can be [FILTER]": {"filters.conf": userGuideOutput},
		"output.conf: a [OUTPUT] lacks the key Match":                            {"output.conf": "[OUTPUT]\nName es\n"},
		"filters.conf: a [FILTER] lacks the key Name":                            {"output.conf": userGuideOutput, "filters.conf": "[FILTER]\nMatch *\n"},
		"parsers.conf: a [PARSER] lacks the key Format":                          {"output.conf": userGuideOutput, "parsers.conf": "[PARSER]\nName x\n"},
		"output.conf: variables are not supported: ${REGION}":                    {"output.conf": "[OUTPUT]\nName es\nMatch *\nregion ${REGION}\n"},
		"output.conf: line 2: @INCLUDE x: commands are not supported":            {"output.conf": "\n@INCLUDE x\n"},
		"output.conf: line 1: Name x stands before the first section":            {"output.conf": "Name x\n"},
		"output.conf: line 1: [OUTPUT is not a section":                          {"output.conf": "[OUTPUT\n"},
		"output.conf: line 2: Name has no value":                                 {"output.conf": "[OUTPUT]\nName\n"},
		"filters.conf: [FILTER] lua is not supported; there are grep, parser, record_modifier, rewrite_tag, throttle, nest, modify, kubernetes": {"output.conf": userGuideOutput, "filters.conf": "[FILTER]\nname lua\nMATCH *\n"},
		"output.conf: [OUTPUT] s3 is not supported; there are es, firehose, kinesis_firehose, cloudwatch, cloudwatch_logs, kinesis":             {"output.conf": "[OUTPUT]\nName s3\nMatch *\n"},
	} {
		if o, err := translate.Logging(logging(data)); err == nil || err.Error() != want {
			t.Errorf("got %v, %v; want %s", o, err, want)
		}
	}
	lower := map[string]string{"output.conf": "[output]\n\tname ES\n\tMATCH *\n"}
	if _, err := translate.Logging(logging(lower)); err != nil {
		t.Errorf("keys in lower case: %v", err)
	}
}

func TestLogGrep(t *testing.T) {
	output := "[OUTPUT]\nName cloudwatch_logs\nMatch *\nlog_group_name g\nlog_stream_name s\n"
	kubernetes := "[FILTER]\nName kubernetes\nMatch *\n"
	filter := func(match string, rules ...string) string {
		return "[FILTER]\nName grep\nMatch " + match + "\n" + strings.Join(rules, "\n") + "\n"
	}
	for name, c := range map[string]struct {
		filters string
		kept    bool
		note    string
	}{
		"excluded":         {kubernetes + filter("*", "Exclude $kubernetes['namespace_name'] ^(shop|kitchen)$"), false, ""},
		"not excluded":     {kubernetes + filter("*", "Exclude $kubernetes['namespace_name'] ^kube-system$"), true, ""},
		"chosen":           {kubernetes + filter("*", "Regex $kubernetes['labels']['app'] ^w"), true, ""},
		"not chosen":       {kubernetes + filter("*", "Regex $kubernetes['labels']['app'] ^x"), false, ""},
		"absent":           {kubernetes + filter("*", "Regex $kubernetes['labels']['x'] ."), false, ""},
		"absent, excluded": {kubernetes + filter("*", "Exclude $kubernetes['labels']['x'] ."), true, ""},
		"two rules":        {kubernetes + filter("*", "regex $kubernetes['pod_name'] web", "exclude $kubernetes['container_name'] ^web$"), false, ""},
		"other tag":        {kubernetes + filter("kube.*_kitchen_*", "Exclude $kubernetes['namespace_name'] ."), true, ""},
		"lines":            {kubernetes + filter("*", "Exclude log debug"), true, "a rule is about log, and lines are not looked into"},
		"bad pattern":      {kubernetes + filter("*", "Exclude $kubernetes['pod_name'] ("), true, "missing closing )"},
		"option":           {kubernetes + filter("*", "Logical_Op or"), true, "the option Logical_Op is not known"},
		"before metadata":  {filter("*", "Exclude $kubernetes['namespace_name'] shop") + kubernetes, true, "[FILTER] grep (Match *) has no effect"},
	} {
		data := map[string]string{"output.conf": output, "filters.conf": c.filters}
		o, err := translate.Logging(logging(data))
		if err != nil {
			t.Fatal(err)
		}
		if log, _ := logged(t, data); (log.Driver == "awslogs") != c.kept {
			t.Errorf("%s: got %+v", name, log)
		}
		if text := strings.Join(o.Notes, "; "); strings.Contains(text, "grep") != (c.note != "") || !strings.Contains(text, c.note) {
			t.Errorf("%s: notes %s", name, text)
		}
	}
}
