package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"akashi/internal/fault"
	"akashi/internal/format/oauth"
	"akashi/internal/issuance"
	"akashi/internal/server"
)

// What wallets are answered (OpenID4VCI 1.0): each registrar's issuer lies under /issuers/<registrar>, its metadata under
// the well-known names before that. Errors are those of OAuth and of the issuance standard, not problem documents; their
// description is the name of the refusal, which docs/protocols.md explains.
const (
	issuersPath  = "/issuers/{registrar}"
	maxOfferPath = 200
)

// walletRoutes adds what wallets ask for.
func (s *service) walletRoutes(mux *server.Mux, only func(path, methods string)) {
	for path, f := range map[string]func(http.ResponseWriter, *http.Request) error{
		oauth.WellKnownIssuer + issuersPath: s.issuerMetadata,
		oauth.WellKnownServer + issuersPath: func(w http.ResponseWriter, r *http.Request) error {
			return s.document(w, r, func(registrar string) (any, error) { return s.Wallets.ServerMetadata(registrar) })
		},
	} {
		mux.HandleFunc("GET "+path, s.wallet(f))
		only(path, http.MethodGet)
	}
	mux.HandleFunc("GET "+issuersPath+"/offers/{offer}", s.wallet(s.offer))
	only(issuersPath+"/offers/{offer}", http.MethodGet)
	for path, f := range map[string]func(http.ResponseWriter, *http.Request) error{"/par": s.par, "/token": s.token, "/nonce": s.nonce,
		"/credential": s.protected(s.credential), "/deferred": s.protected(s.deferred), "/notification": s.protected(s.notification)} {
		mux.HandleFunc("POST "+issuersPath+path, s.wallet(f))
		only(issuersPath+path, http.MethodPost)
	}
}

// wallet limits how fast one network asks, and words errors.
func (s *service) wallet(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Pragma", "no-cache") // RFC 6749 §5.1
		err := error(nil)
		if s.limiter.Allow("wallet " + s.client(r)) {
			err = f(w, r)
		} else {
			w.Header().Set("Retry-After", "1")
			err = fault.New(fault.TooMany, "", "answering a wallet")
		}
		if err != nil {
			s.refuseWallet(w, r, err)
		}
	}
}

// refuseWallet tells a wallet why not. A fault of ours is logged and told as one.
func (s *service) refuseWallet(w http.ResponseWriter, r *http.Request, err error) {
	failure := oauth.FailureOf(err)
	status := http.StatusBadRequest
	switch kind := fault.KindOf(err); {
	case kind == fault.NotFound:
		problem(w, http.StatusNotFound, "There is no such issuer.")
		return
	case kind == fault.TooMany:
		status, failure.Error = http.StatusTooManyRequests, oauth.TemporarilyUnavailable
	case failure.Error != oauth.ServerError:
	case kind == fault.Upstream:
		status, failure.Error = http.StatusServiceUnavailable, oauth.TemporarilyUnavailable
		fallthrough
	default:
		if status == http.StatusBadRequest {
			status = http.StatusInternalServerError
		}
		s.Log.Error("a wallet could not be answered", "path", r.Pattern, "reference", server.Reference(r.Context()), "error", err)
	}
	if failure.Error == oauth.UseDPoPNonce {
		if nonce, err := s.Wallets.DPoPNonce(r.PathValue("registrar")); err == nil {
			w.Header().Set("DPoP-Nonce", nonce)
		}
	}
	var access unauthorized
	if errors.As(err, &access) {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", failure.Header())
	}
	s.answer(w, r, status, failure)
}

// answer writes a message. What cannot be written is a fault of ours.
func (s *service) answer(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := oauth.JSON(v)
	if err != nil {
		s.Log.Error("an answer to a wallet could not be written", "path", r.Pattern, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that hangs up is not our error
}

// issuerMetadata answers with the metadata as they are, or signed where the wallet wants them so (VCI §12.2.2).
func (s *service) issuerMetadata(w http.ResponseWriter, r *http.Request) error {
	w.Header().Add("Vary", "Accept")
	if prefersSigned(r.Header.Values("Accept")) {
		signed, err := s.Wallets.SignedMetadata(r.Context(), r.PathValue("registrar"))
		if err != nil {
			return err
		}
		if signed != "" {
			w.Header().Set("Cache-Control", "public, max-age=300")
			w.Header().Set("Content-Type", oauth.MediaSigned)
			_, _ = io.WriteString(w, signed) // a client that hangs up is not our error
			return nil
		}
	}
	return s.document(w, r, func(registrar string) (any, error) { return s.Wallets.IssuerMetadata(registrar) })
}

// prefersSigned tells whether application/jwt is wanted at least as much as JSON (RFC 9110 §12.5.1). A range with a wildcard
// speaks for neither.
func prefersSigned(accept []string) bool {
	weight := map[string]float64{}
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue // a range that cannot be read asks for nothing
		}
		weight[media] = 1
		if q, err := strconv.ParseFloat(parameters["q"], 64); err == nil {
			weight[media] = q
		}
	}
	return weight[oauth.MediaSigned] > 0 && weight[oauth.MediaSigned] >= weight[jsonMedia]
}

func (s *service) document(w http.ResponseWriter, r *http.Request, of func(registrar string) (any, error)) error {
	v, err := of(r.PathValue("registrar"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	s.answer(w, r, http.StatusOK, v)
	return nil
}

func (s *service) offer(w http.ResponseWriter, r *http.Request) error {
	secret := r.PathValue("offer")
	if len(secret) > maxOfferPath {
		return oauth.Refuse(oauth.CodeUnknown, "fetching an offer")
	}
	o, err := s.Wallets.Offer(r.Context(), r.PathValue("registrar"), secret)
	if err != nil {
		return err
	}
	s.answer(w, r, http.StatusOK, o)
	return nil
}

// walletBody reads a body of one media type. unread is what is refused when it did not arrive whole.
func walletBody(w http.ResponseWriter, r *http.Request, media string, most int64, unread oauth.Refusal) ([]byte, error) {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != media {
		if got == "application/jwt" {
			unread = oauth.CredentialEncryption
		}
		return nil, oauth.Refuse(unread, "reading a body of another media type")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, oauth.Refuse(oauth.MessageTooLarge, "reading a wallet's request")
	case err != nil:
		return nil, oauth.Refuse(unread, "reading a wallet's request")
	}
	return body, nil
}

const formMedia, jsonMedia = "application/x-www-form-urlencoded", "application/json"

// sent are the fields in which a wallet shows who it is.
func sent(r *http.Request) issuance.Sent {
	return issuance.Sent{DPoP: r.Header.Values("DPoP"), Attestation: r.Header.Values(oauth.FieldClientAttestation), Proof: r.Header.Values(oauth.FieldClientProof)}
}

func (s *service) par(w http.ResponseWriter, r *http.Request) error {
	body, err := walletBody(w, r, formMedia, oauth.MaxForm, oauth.RequestMalformed)
	if err != nil {
		return err
	}
	pushed, err := s.Wallets.Push(r.Context(), r.PathValue("registrar"), body, sent(r))
	if err != nil {
		return err
	}
	s.answer(w, r, http.StatusCreated, pushed)
	return nil
}

func (s *service) token(w http.ResponseWriter, r *http.Request) error {
	body, err := walletBody(w, r, formMedia, oauth.MaxForm, oauth.RequestMalformed)
	if err != nil {
		return err
	}
	a, err := s.Wallets.Token(r.Context(), r.PathValue("registrar"), body, sent(r))
	if err != nil {
		return err
	}
	s.answer(w, r, http.StatusOK, a)
	return nil
}

func (s *service) nonce(w http.ResponseWriter, r *http.Request) error {
	registrar := r.PathValue("registrar")
	nonce, err := s.Wallets.Nonce(registrar)
	if err != nil {
		return err
	}
	dpop, err := s.Wallets.DPoPNonce(registrar)
	if err != nil {
		return err
	}
	w.Header().Set("DPoP-Nonce", dpop)
	s.answer(w, r, http.StatusOK, map[string]string{"c_nonce": nonce})
	return nil
}

// unauthorized is an error of the access token or of the proof that came with it: told with status 401 (RFC 6750 §3.1,
// RFC 9449 §7.1).
type unauthorized struct{ error }

func (u unauthorized) Unwrap() error { return u.error }

// withToken is a handler of a protected resource.
type withToken func(ctx context.Context, registrar, access string, body []byte, proofs []string, w http.ResponseWriter, r *http.Request) error

// protected takes the access token of a request, which must come with a DPoP proof.
func (s *service) protected(f withToken) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		access, err := accessToken(r.Header.Values("Authorization"))
		if err != nil {
			return unauthorized{err}
		}
		body, err := walletBody(w, r, jsonMedia, oauth.MaxMessage, oauth.CredentialMalformed)
		if err != nil {
			return err
		}
		err = f(r.Context(), r.PathValue("registrar"), access, body, r.Header.Values("DPoP"), w, r)
		switch oauth.CodeOf(err) {
		case oauth.InvalidToken, oauth.InvalidDPoPProof, oauth.UseDPoPNonce:
			return unauthorized{err}
		}
		return err
	}
}

func accessToken(fields []string) (string, error) {
	if len(fields) != 1 {
		return "", oauth.Refuse(oauth.AccessMissing, "looking for an access token")
	}
	scheme, token, _ := strings.Cut(fields[0], " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return "", oauth.Refuse(oauth.AccessScheme, "taking an access token")
	case !strings.EqualFold(scheme, "DPoP") || token == "":
		return "", oauth.Refuse(oauth.AccessMissing, "looking for an access token")
	}
	return token, nil
}

func (s *service) credential(ctx context.Context, registrar, access string, body []byte, proofs []string, w http.ResponseWriter, r *http.Request) error {
	a, err := s.Wallets.Credential(ctx, registrar, access, body, proofs)
	return s.issued(w, r, a, err)
}

func (s *service) deferred(ctx context.Context, registrar, access string, body []byte, proofs []string, w http.ResponseWriter, r *http.Request) error {
	a, err := s.Wallets.Deferred(ctx, registrar, access, body, proofs)
	return s.issued(w, r, a, err)
}

// issued answers with copies, or with 202 while there are none (VCI §8.3, §9.2).
func (s *service) issued(w http.ResponseWriter, r *http.Request, a *oauth.CredentialAnswer, err error) error {
	if err != nil {
		return err
	}
	status := http.StatusOK
	if a.Transaction != "" {
		status = http.StatusAccepted
	}
	s.answer(w, r, status, a)
	return nil
}

func (s *service) notification(ctx context.Context, registrar, access string, body []byte, proofs []string, w http.ResponseWriter, _ *http.Request) error {
	if err := s.Wallets.Notify(ctx, registrar, access, body, proofs); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
