package sandbox

import "time"

// tally counts the outcomes of one probe; it is the whole of a probe's
// meaning, without its time and its way of asking.
type tally struct {
	passed, failed bool // the verdict; neither: not known yet
	passes, fails  int  // in a row
	sure           bool // a success has ended the grace
}

// count takes in one outcome of a container of that age.
func (t tally) count(p *Probe, ok bool, age time.Duration) tally {
	if ok {
		t.passes, t.fails, t.sure = t.passes+1, 0, true
		if t.passes >= max(1, p.Passes) {
			t.passed, t.failed = true, false
		}
		return t
	}
	t.passes = 0
	if age < p.Grace && !t.sure {
		return t
	}
	t.fails++
	if t.fails >= max(1, p.Failures) {
		t.passed, t.failed = false, true
	}
	return t
}

// health says the verdict in ECS's words.
func (t tally) health() Health {
	switch {
	case t.passed:
		return HealthHealthy
	case t.failed:
		return HealthUnhealthy
	}
	return ""
}

// remembered is the tally to go on from after a restart of the engine: the
// last known health stays until enough probes say otherwise.
func remembered(h Health) tally {
	switch h {
	case HealthHealthy:
		return tally{passed: true, sure: true}
	case HealthUnhealthy:
		return tally{failed: true}
	}
	return tally{}
}
