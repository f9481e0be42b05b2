package server

import (
	"net/http"
	"time"
)

// ReadWithin bounds how long the rest of a request's body may take to come; reading fails after it. A writer that has no deadlines, as
// in tests without a connection, keeps none, and one whose connection is gone fails at the reading.
func ReadWithin(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(d))
}
