package translate

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	v1 "k8s.io/api/core/v1"
)

// Where the ConfigMap of Fargate's log router is.
const (
	LoggingNamespace = "aws-observability"
	LoggingName      = "aws-logging"
)

// maxLogging is how many characters the ConfigMap may have.
const maxLogging = 5300

// Keys of the ConfigMap.
const (
	keyOutput  = "output.conf"
	keyFilters = "filters.conf"
	keyParsers = "parsers.conf"
	keyOwnLog  = "flb_log_cw" // ship Fluent Bit's own log too
)

// logFile is one of the ConfigMap's keys with what AWS allows in it.
type logFile struct {
	key, section string
	required     []string
	plugins      []string // values of Name; none: any
}

func logFiles() []logFile {
	return []logFile{
		{keyOutput, "OUTPUT", []string{"Name", "Match"}, []string{"es", "firehose", "kinesis_firehose", "cloudwatch", "cloudwatch_logs", "kinesis"}},
		{keyFilters, "FILTER", []string{"Name", "Match"}, []string{"grep", "parser", "record_modifier", "rewrite_tag", "throttle", "nest", "modify", "kubernetes"}},
		{keyParsers, "PARSER", []string{"Name", "Format"}, nil},
	}
}

// Outputs is where the output of a Fargate pod's containers goes.
type Outputs struct {
	outputs    []section
	kubernetes bool   // there is a filter that adds the pod's metadata
	greps      []grep // that choose by it
	// Notes say which parts of the configuration have no effect.
	Notes []string
}

// Logging reads the ConfigMap aws-logging by the rules of the Amazon EKS User
// Guide ("Start AWS Fargate logging for your cluster"). Its error says why AWS
// would disable logging with it.
func Logging(cm *v1.ConfigMap) (*Outputs, error) {
	size := 0
	for _, key := range sorted(maps.Keys(cm.Data)) {
		size += utf8.RuneCountInString(cm.Data[key])
	}
	if size > maxLogging {
		return nil, fmt.Errorf("the ConfigMap has %d characters; there may be %d", size, maxLogging)
	}
	o := &Outputs{}
	for _, f := range logFiles() {
		sections, err := f.read(cm.Data[f.key])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.key, err)
		}
		o.take(f.key, sections)
	}
	if len(o.outputs) == 0 {
		return nil, errors.New("output.conf: there is no [OUTPUT]")
	}
	if strings.EqualFold(cm.Data[keyOwnLog], "true") {
		o.Notes = append(o.Notes, "flb_log_cw has no effect: there is no Fluent Bit whose log could be sent")
	}
	return o, nil
}

// variable is a reference to Fluent Bit's environment.
var variable = regexp.MustCompile(`\$\{[^}]*\}`)

func (f *logFile) read(text string) ([]section, error) {
	if v := variable.FindString(text); v != "" {
		return nil, fmt.Errorf("variables are not supported: %s", v)
	}
	sections, err := parseSections(text)
	if err != nil {
		return nil, err
	}
	for i := range sections {
		if err := f.check(&sections[i]); err != nil {
			return nil, err
		}
	}
	return sections, nil
}

func (f *logFile) check(s *section) error {
	if !s.is(f.section) {
		return fmt.Errorf("section [%s] is not supported; there can be [%s]", s.name, f.section)
	}
	for _, key := range f.required {
		if s.get(key) == "" {
			return fmt.Errorf("a [%s] lacks the key %s", f.section, key)
		}
	}
	if name := strings.ToLower(s.get("Name")); f.plugins != nil && !slices.Contains(f.plugins, name) {
		return fmt.Errorf("[%s] %s is not supported; there are %s", f.section, name, strings.Join(f.plugins, ", "))
	}
	return nil
}

// take keeps what can be honoured and notes what cannot.
func (o *Outputs) take(key string, sections []section) {
	for i := range sections {
		s := &sections[i]
		name := strings.ToLower(s.get("Name"))
		switch {
		case key == keyParsers:
			o.Notes = append(o.Notes, fmt.Sprintf("[PARSER] %s has no effect: lines are sent as the container wrote them", s.get("Name")))
		case key == keyFilters && name == "kubernetes":
			o.kubernetes = true
			o.Notes = append(o.Notes, "[FILTER] kubernetes adds no metadata to lines; names of log groups and streams may use it")
		case key == keyFilters && name == "grep" && o.kubernetes:
			g, err := parseGrep(s)
			if err != nil {
				o.Notes = append(o.Notes, fmt.Sprintf("[FILTER] grep (Match %s) has no effect: %v", s.get("Match"), err))
				continue
			}
			o.greps = append(o.greps, g)
		case key == keyFilters:
			o.Notes = append(o.Notes, fmt.Sprintf("[FILTER] %s (Match %s) has no effect", name, s.get("Match")))
		case !isCloudWatch(s):
			o.outputs = append(o.outputs, *s)
			o.Notes = append(o.Notes, fmt.Sprintf("[OUTPUT] %s (Match %s) has no effect: Neargate sends logs to CloudWatch Logs alone", name, s.get("Match")))
		default:
			o.outputs = append(o.outputs, *s)
			o.tellOptions(s)
		}
	}
}

func isCloudWatch(s *section) bool {
	name := strings.ToLower(s.get("Name"))
	return name == "cloudwatch" || name == "cloudwatch_logs"
}

// known are the options of cloudwatch outputs that are honoured, or that mean
// nothing where lines are sent as they are.
var known = []string{
	"name", "match", "region", "log_group_name", "log_stream_name", "log_stream_prefix", "auto_create_group",
	"log_group_template", "log_stream_template", "default_log_group_name", "default_log_stream_name", "log_key",
}

func (o *Outputs) tellOptions(s *section) {
	for _, e := range s.entries {
		if key := strings.ToLower(e.key); !slices.Contains(known, key) {
			o.Notes = append(o.Notes, fmt.Sprintf("[OUTPUT] %s: the option %s has no effect", strings.ToLower(s.get("Name")), key))
		}
	}
}
