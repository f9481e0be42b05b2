package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/fault"
	"akashi/internal/presentation"
	"akashi/internal/server"
)

// What wallets call (OpenID4VP 1.0). They are no part of the description: programs of others speak the protocol, not ours.
const (
	requestPath = "/oid4vp/request/{token}"
	answerPath  = "/oid4vp/answer/{id}/{way}"
)

// maxWalletMetadata bounds what a wallet says of itself when it asks for a request.
const maxWalletMetadata = 32 << 10

// AnswerURL is where wallets fetch requests and answer, under an origin of the API.
func AnswerURL(origin string) string { return origin + "/oid4vp" }

func (s *service) readerRoutes(mux *server.Mux) {
	only := func(path, methods string) {
		mux.HandleFunc("OPTIONS "+path, func(w http.ResponseWriter, _ *http.Request) { preflight(w, methods) })
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { notAllowed(w, methods+", OPTIONS") })
	}
	mux.HandleFunc("GET "+requestPath, s.walletRequest)
	mux.HandleFunc("POST "+requestPath, s.walletRequest)
	only(requestPath, "GET, POST")
	mux.HandleFunc("POST "+answerPath, s.walletAnswer)
	only(answerPath, http.MethodPost)
}

// walletRequest answers a wallet that opened a link (§5.10): with GET, or with POST and a nonce that the request then has.
// What the wallet says of itself is not used: there is one request, and it asks for what every wallet of the profile can.
func (s *service) walletRequest(w http.ResponseWriter, r *http.Request) {
	if !s.maySpeak(w, r) {
		return
	}
	nonce := ""
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxWalletMetadata)
		if err := r.ParseForm(); err != nil {
			s.walletRefused(w, r, fault.New(fault.Invalid, string(presentation.BadRequest), "reading a wallet's form"))
			return
		}
		nonce = r.PostForm.Get("wallet_nonce")
	}
	object, err := s.Reader.Request(r.Context(), r.PathValue("token"), nonce)
	if err != nil {
		s.walletRefused(w, r, err)
		return
	}
	w.Header().Set("Content-Type", presentation.MediaRequest)
	_, _ = w.Write([]byte(object)) // a client that hangs up is not our error
}

// walletAnswer takes what a wallet shows (§8.2). The reply says where the holder goes on, or nothing.
func (s *service) walletAnswer(w http.ResponseWriter, r *http.Request) {
	if !s.maySpeak(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, presentation.MaxAnswer)
	if err := r.ParseForm(); err != nil {
		s.walletRefused(w, r, fault.New(fault.Invalid, string(presentation.Malformed), "reading a wallet's form"))
		return
	}
	id, err := uuid.Parse(r.PathValue("id"))
	way := presentation.Way(r.PathValue("way"))
	if err != nil || way != presentation.Here && way != presentation.There {
		s.walletRefused(w, r, fault.New(fault.NotFound, string(presentation.Unknown), "reading the address of an answer"))
		return
	}
	form := r.PostForm
	redirect, err := s.Reader.Answer(r.Context(), id, way, presentation.Answer{Response: form.Get("response"), VPToken: form.Get("vp_token"),
		State: form.Get("state"), Error: form.Get("error")})
	if err != nil {
		s.walletRefused(w, r, err)
		return
	}
	reply := map[string]string{}
	if redirect != "" {
		reply["redirect_uri"] = redirect
	}
	writeJSON(w, http.StatusOK, reply)
}

// maySpeak opens the answer to pages of other origins, since some wallets are pages, and turns away who asks too fast.
func (s *service) maySpeak(w http.ResponseWriter, r *http.Request) bool {
	server.SetRoute(r.Context(), r.Pattern)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if s.Reader == nil {
		s.walletRefused(w, r, fault.New(fault.NotFound, string(presentation.Unknown), "asking wallets, which is not offered here"))
		return false
	}
	if !s.limiter.Allow("wallet " + s.client(r)) {
		w.Header().Set("Retry-After", "1")
		writeJSON(w, http.StatusTooManyRequests, map[string]string{"error": "temporarily_unavailable"})
		return false
	}
	return true
}

// walletRefused answers as OAuth does (RFC 6749 §5.2), with the key of the reason and nothing of what was sent. The log has
// the key, too, and for a failure of ours the cause.
func (s *service) walletRefused(w http.ResponseWriter, r *http.Request, err error) {
	status, code := http.StatusInternalServerError, "server_error"
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict:
		status, code = http.StatusBadRequest, "invalid_request"
	case fault.NotFound:
		status, code = http.StatusNotFound, "invalid_request"
	}
	reason := ""
	var known *fault.Error
	if errors.As(err, &known) {
		reason = known.Key
	}
	if status == http.StatusInternalServerError {
		s.Log.ErrorContext(r.Context(), "a wallet could not be served", "error", err)
	} else {
		s.Log.InfoContext(r.Context(), "a wallet was refused", "reason", strings.TrimSpace(reason))
	}
	writeJSON(w, status, map[string]string{"error": code, "error_description": reason})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that hangs up is not our error
}
