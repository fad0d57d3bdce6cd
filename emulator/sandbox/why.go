package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// Why tells in plain words what a sandbox is waiting for, or why it stopped.
// Each sentence stands on its own.
func Why(s *Sandbox) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch {
	case s.Spec.Open && !s.Desired.Stopped && s.Status.Height >= stepNetwork:
		say("It has its network and waits for its containers to be made known.")
	case s.IsStopped():
		say("It stopped at %s: %s (%s).", clock(s.Status.StoppedAt), s.Desired.Reason, s.Desired.Code)
	case s.Desired.Stopped:
		say("It is to stop since %s: %s (%s).", clock(s.Desired.At), s.Desired.Reason, s.Desired.Code)
		say("It is %s: %s.", LastStatus(s), doing(s))
	case s.Status.Height >= s.Spec.Steps:
		say("It is RUNNING since %s.", clock(s.Status.StartedAt))
	default:
		say("It is %s: %s.", LastStatus(s), doing(s))
	}
	switch {
	case !s.Status.UnseenSince.IsZero():
		say("That is how it was when it was last seen. Since %s the runtime does not tell how it is, and is asked again until it does: %s",
			clock(s.Status.UnseenSince), s.Status.Trouble)
	case s.Status.Trouble != "":
		say("The last of %d tries failed at %s and will be repeated: %s", s.Status.Tries, clock(s.Status.TroubleAt), s.Status.Trouble)
	}
	for i := range s.Spec.Containers {
		if text := whyContainer(s, &s.Spec.Containers[i], &s.Status.Containers[i]); text != "" {
			say("Container %s %s.", s.Spec.Containers[i].Name, text)
		}
	}
	all = append(all, whyPublic(s)...)
	for _, n := range s.Status.Notes {
		say("Note: %s", n)
	}
	return all
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// doing says what the step under way is about.
func doing(s *Sandbox) string {
	return map[string]string{
		Provisioning:   "its network is being made",
		Pending:        "its containers are being started",
		Activating:     "it is being registered with its targets",
		Deactivating:   "it is being deregistered from its targets",
		Stopping:       "its containers are being stopped",
		Deprovisioning: "its network is being removed",
		Running:        "all is up",
		Stopped:        "all is down",
	}[LastStatus(s)]
}

// whyContainer tells what is remarkable about a container; "" when nothing is.
func whyContainer(s *Sandbox, c *Container, cs *ContainerStatus) string {
	var parts []string
	switch {
	case !cs.RestartAt.IsZero():
		parts = append(parts, fmt.Sprintf("ended %s and will be started again at %s", ending(cs), clock(cs.RestartAt)))
	case cs.State == ContainerStopped && hasRun(cs):
		parts = append(parts, fmt.Sprintf("ended %s at %s", ending(cs), clock(cs.FinishedAt)))
	case s.Desired.Stopped:
	case cs.State == ContainerPulling:
		parts = append(parts, "is having its image "+c.Image+" pulled")
	case cs.State == ContainerPulled || cs.State == ContainerCreated:
		parts = append(parts, s.waits(c)...)
	}
	if cs.Local != "" && !s.Desired.Stopped {
		parts = append(parts, "uses the image that was on this machine already, as "+c.Image+" could not be had from its registry: "+cs.Local)
	}
	if cs.Trouble != "" {
		parts = append(parts, fmt.Sprintf("has %s: %s", cs.Trouble, cs.TroubleText))
	}
	if c.Health != nil && cs.State == ContainerRunning && cs.Health != HealthHealthy {
		text := "has health " + string(cs.Health)
		if out := strings.TrimSpace(cs.HealthOutput); out != "" {
			text += ": " + out
		}
		parts = append(parts, text)
	}
	switch {
	case cs.Reason == "" || cs.ExitCode == nil && hasRun(cs):
	case s.Desired.Stopped && cs.Reason == s.Desired.Reason:
		parts = append(parts, "is why")
	default:
		parts = append(parts, "says "+cs.Reason)
	}
	return strings.Join(parts, "; it ")
}

// waits tells which conditions a container that is not started lacks.
func (s *Sandbox) waits(c *Container) []string {
	var all []string
	for _, n := range s.needsOf(c) {
		if !s.met(n) {
			all = append(all, fmt.Sprintf("waits for condition %s of container %s", n.Condition, n.Container))
		}
	}
	switch _, cs := s.container(c.Name); {
	case len(all) > 0:
	case cs.Asking:
		all = append(all, "waits to be told what it is started with")
	default:
		all = append(all, "is about to be started")
	}
	return all
}
