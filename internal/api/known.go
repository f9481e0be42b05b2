package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"akashi/internal/fault"
	"akashi/internal/relying"
	"akashi/internal/server"
)

// bearer is the one way in which registered verifiers say who they are (RFC 6750 §2.1).
const bearer = "verifier"

type clientKey struct{}

// known lets a registered verifier through, and nobody else. Whoever tries keys is slowed down like whoever asks too fast.
func (s *service) known(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if !s.limiter.Allow("known " + s.client(r)) {
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusTooManyRequests, "Your network asks faster than allowed. Wait a second.")
		return
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="akashi"`)
		problem(w, http.StatusUnauthorized, "This is for registered verifiers: send your key as Authorization: Bearer.")
		return
	}
	c, err := s.Relying.Known(r.Context(), strings.TrimSpace(key))
	switch {
	case fault.KindOf(err) == fault.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Bearer realm="akashi", error="invalid_token"`)
		problem(w, http.StatusUnauthorized, "The key is not one of ours, has expired or was revoked.")
	case err != nil:
		s.Log.Error("request failed", "portal", "api", "doing", "looking up a verifier's key", "reference", server.Reference(r.Context()), "error", err)
		problem(w, http.StatusInternalServerError, "This could not be done because of a fault on our side. Try again later.")
	default:
		next(huma.WithValue(ctx, clientKey{}, c))
	}
}

// clientOf is the verifier whom known has let through.
func clientOf(ctx context.Context) *relying.Client {
	c, _ := ctx.Value(clientKey{}).(*relying.Client)
	return c
}

// refused words what the stage refuses; anything else is a fault of ours.
func (s *service) refused(ctx context.Context, doing string, err error) error {
	why := ""
	if f, ok := asFault(err); ok && len(f.Args) == 1 {
		why, _ = f.Args[0].(string)
	}
	switch kind, key := fault.KindOf(err), keyOf(err); {
	case kind == fault.NotFound:
		return huma.Error404NotFound("There is nothing of yours under this id.")
	case key == relying.ReasonBusy:
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests("Three of your questions are not finished. Wait for one, or delete one."), http.Header{"Retry-After": {"10"}})
	case key == relying.ReasonReused:
		return huma.Error409Conflict("The Idempotency-Key was used for another question.")
	case key == relying.ReasonStanding:
		return huma.Error409Conflict("You watch this credential already, or its holder has not answered yet.")
	case key == relying.ReasonNotUsed:
		return huma.Error409Conflict("The register of this credential does not tell verifiers of changes. Check the credential again when you need to know.")
	case key == relying.ReasonNoHook:
		return huma.Error409Conflict("No address for notifications is registered for you. Ask the operator.")
	case key == relying.ReasonLines, key == relying.ReasonWish:
		return huma.Error422UnprocessableEntity(why)
	case kind == fault.Conflict:
		return huma.Error409Conflict("It has moved on meanwhile. Look at it again.")
	}
	return s.failed(ctx, doing, err)
}

func asFault(err error) (f *fault.Error, ok bool) { return f, errors.As(err, &f) }

func keyOf(err error) string {
	if f, ok := asFault(err); ok {
		return f.Key
	}
	return ""
}
