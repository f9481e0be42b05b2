package server

import (
	"context"
	"os/signal"
	"syscall"
)

// UntilStopped returns a context that ends with SIGINT or SIGTERM. A second signal ends the program at once, for the
// operator who will not wait for running requests.
func UntilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, cancel) // gives the signals back to the system
	return ctx, cancel
}
