package apiwire

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"
)

// This file is how services word what is wrong with an input. Most have the
// same generic sentences; ECS and EC2 have their own.

// Voice makes the failure for what is wrong with one input; there is at least
// one violation.
type Voice func([]Violation) *Failure

// VoiceLogs words violations as CloudWatch Logs does: generic sentences, code
// InvalidParameterException.
func VoiceLogs(v []Violation) *Failure {
	return &Failure{Code: "InvalidParameterException", Message: detected(v), Status: http.StatusBadRequest}
}

// VoiceEKS words violations as EKS does.
func VoiceEKS(v []Violation) *Failure { return VoiceLogs(v) }

// VoiceQuery words violations as STS, IAM and ELBv2 do: the generic sentences,
// code ValidationError.
func VoiceQuery(v []Violation) *Failure {
	return &Failure{Code: "ValidationError", Message: detected(v), Status: http.StatusBadRequest}
}

// VoiceECR words violations as ECR does, which names one and quotes the
// constraint.
func VoiceECR(v []Violation) *Failure {
	return &Failure{
		Code:    "InvalidParameterException",
		Message: "Invalid parameter at '" + v[0].Path + "' failed to satisfy constraint: '" + v[0].sentence() + "'",
		Status:  http.StatusBadRequest,
	}
}

// VoiceEC2 words violations as EC2 does, one at a time.
func VoiceEC2(v []Violation) *Failure {
	name := upperFirst(v[0].Path)
	if v[0].Demand == Required {
		return &Failure{Code: "MissingParameter", Message: "The request must contain the parameter " + name, Status: http.StatusBadRequest}
	}
	return &Failure{
		Code:    "InvalidParameterValue",
		Message: "Value (" + v[0].Value + ") for parameter " + name + " is invalid.",
		Status:  http.StatusBadRequest,
	}
}

// VoiceECS words violations as ECS does: the first alone, in a sentence of its
// own about the last member of the path.
func VoiceECS(v []Violation) *Failure {
	code, message := ecsWords(v[0])
	return &Failure{Code: code, Message: message, Status: http.StatusBadRequest}
}

const (
	clientException           = "ClientException"
	invalidParameterException = "InvalidParameterException"
)

// ecsWords knows the sentences that ECS is known to say, and makes the others
// after their pattern.
func ecsWords(v Violation) (code, message string) {
	member := v.Path[strings.LastIndexByte(v.Path, '.')+1:]
	words := spaced(member)
	switch {
	case v.Demand == OneOf && v.Operation == "UpdateContainerInstancesState":
		return invalidParameterException, "Container instance status should be one of [" + strings.Join(v.Allowed, ", ") + "]"
	case v.Demand == OneOf:
		return invalidParameterException, words + " should be one of [" + strings.Join(v.Allowed, ",") + "]"
	case v.Demand != Required:
		return invalidParameterException, titled(words) + ": " + v.sentence() + "."
	}
	switch member {
	case "containerDefinitions":
		return clientException, "Container list cannot be empty."
	case "containerInstances":
		return clientException, "Container Instances cannot be empty."
	case "subnets", "attributes":
		suffix := "."
		if member == "attributes" {
			suffix = ""
		}
		return invalidParameterException, member + " can not be empty" + suffix
	case "name", "image":
		if strings.HasPrefix(v.Path, "containerDefinitions.") && strings.Count(v.Path, ".") == 3 {
			return clientException, "Container." + member + " should not be null or empty."
		}
	}
	if v.List {
		return invalidParameterException, titled(words) + " cannot be empty."
	}
	return invalidParameterException, titled(words) + " can not be blank."
}

// spaced takes a member name apart: "launchType" becomes "launch type".
func spaced(member string) string {
	var b strings.Builder
	for i, r := range member {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// titled begins every word with a capital: "Task Definition".
func titled(words string) string {
	parts := strings.Fields(words)
	for i, p := range parts {
		parts[i] = upperFirst(p)
	}
	return strings.Join(parts, " ")
}

// detected is the generic message about one violation or several.
func detected(v []Violation) string {
	parts := make([]string, len(v))
	for i, x := range v {
		value := "null"
		if x.Demand != Required {
			value = "'" + x.Value + "'"
		}
		parts[i] = fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, x.Path, x.sentence())
	}
	plural := "s"
	if len(v) == 1 {
		plural = ""
	}
	return strconv.Itoa(len(v)) + " validation error" + plural + " detected: " + strings.Join(parts, "; ")
}

// sentence is the generic constraint sentence; that of an element tells all
// that is demanded of elements.
func (v Violation) sentence() string {
	inner := demandSentence(v.Demand, v.Limit, v.Pattern, v.Allowed)
	all := strings.Join(v.Demands, ", ")
	if all == "" {
		all = inner
	}
	switch v.Part {
	case Elements:
		return "Member must satisfy constraint: [" + all + "]"
	case MapKeys:
		return "Map keys must satisfy constraint: [" + all + "]"
	case MapValues:
		return "Map value must satisfy constraint: [" + all + "]"
	}
	return inner
}

func demandSentence(d Demand, limit int64, pattern string, allowed []string) string {
	n := strconv.FormatInt(limit, 10)
	switch d {
	case Required:
		return "Member must not be null"
	case MinLength:
		return "Member must have length greater than or equal to " + n
	case MaxLength:
		return "Member must have length less than or equal to " + n
	case MinValue:
		return "Member must have value greater than or equal to " + n
	case MaxValue:
		return "Member must have value less than or equal to " + n
	case Pattern:
		return "Member must satisfy regular expression pattern: " + pattern
	}
	return "Member must satisfy enum value set: [" + strings.Join(allowed, ", ") + "]"
}
