package job

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"github.com/riverqueue/river/rivertype"

	"akashi/internal/clock"
)

const (
	firstDelay = time.Second
	lastDelay  = time.Hour
)

// Backoff is the retry policy: the delay doubles from a second to an hour, each spread by a fifth either way, so that
// what failed together does not come back together.
type Backoff struct{}

// NextRetry returns when a failed job runs again.
func (*Backoff) NextRetry(job *rivertype.JobRow) time.Time {
	d := delay(len(job.Errors) + 1)
	spread := time.Duration((rand.Float64()*0.4 - 0.2) * float64(d)) //nolint:gosec // not a secret
	return clock.System{}.Now().Add(d + spread)
}

// delay returns the mean delay after the n-th failure, counted from 1.
func delay(n int) time.Duration {
	d := firstDelay
	for ; n > 1 && d < lastDelay; n-- {
		d *= 2
	}
	return min(d, lastDelay)
}

// maxCause is how much of a cause is kept.
const maxCause = 600

// private matches what a cause must not carry on: anything that is not ASCII (names, addresses), mail addresses, long
// runs of digits (telephone, individual numbers). Ids of ours are matched first and kept.
var private = regexp.MustCompile(`[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[^\x00-\x7f]+|[\w.+-]+@[\w.-]+|\d{6,}`)

var isUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}-`)

// Scrub takes out of an error's text what could be somebody's data. It is the second fence: the first is that errors
// say what was being done and not to what.
func Scrub(cause string) string {
	s := private.ReplaceAllStringFunc(cause, func(m string) string {
		if isUUID.MatchString(m) {
			return m
		}
		return "[...]"
	})
	if len(s) > maxCause {
		s = strings.ToValidUTF8(s[:maxCause], "") + "..."
	}
	return s
}

// scrubbed is a handler's error whose text may be kept.
type scrubbed struct {
	err   error
	stack string // of a panic
}

func (s *scrubbed) Error() string { return Scrub(s.err.Error()) }

// Unwrap lets River find Snooze and GiveUp, and everybody the kind.
func (s *scrubbed) Unwrap() error { return s.err }
