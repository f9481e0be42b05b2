package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"akashi/internal/fault"
	"akashi/internal/presentation"
)

type askQuestion struct {
	Body struct {
		Qualification string `json:"qualification,omitempty" maxLength:"64" example:"kangoshi" doc:"Id of the qualification that is wanted; without it any will do."`
		ResponseMode  string `json:"response_mode,omitempty" enum:"direct_post.jwt,direct_post" doc:"How the wallet answers. Encrypted (direct_post.jwt) unless it is said otherwise; HAIP 1.0 permits nothing else."`
	}
}

// Presentation is a question to a wallet, and what became of it.
type Presentation struct {
	ID         string        `json:"id" doc:"The key to the result: whoever has it may see it. Show it to nobody."`
	State      string        `json:"state" enum:"waiting,answered,declined,expired" doc:"answered: a credential was shown; whether it is good the result says. declined: the wallet or its holder did not want to. expired: nobody answered in time."`
	WalletLink string        `json:"wallet_link,omitempty" example:"openid4vp://?client_id=x509_hash%3A…&request_uri=…&request_uri_method=post" doc:"The text of a QR code that a wallet on another device reads; only while waiting."`
	ExpiresAt  time.Time     `json:"expires_at" doc:"Until when a wallet may answer. A result can be seen for five minutes after the answer; then everything is deleted."`
	Refusal    string        `json:"refusal,omitempty" example:"sdjwt.wrong_nonce" doc:"Why the last answer was not taken; another may follow while waiting."`
	Result     *Verification `json:"result,omitempty" doc:"Of an answered question: the same as of POST /v1/verifications."`
}

type asked struct {
	Status int
	Body   Presentation
}

type lookQuestion struct {
	ID string `path:"id" minLength:"43" maxLength:"43" doc:"The id that the question came with."`
}

func (s *service) askOperation() huma.Operation {
	return huma.Operation{
		OperationID: "askWallet", Method: http.MethodPost, Path: presentationsPath, Summary: "Ask a wallet for a qualification", DefaultStatus: http.StatusCreated,
		Description: "Starts a presentation by OpenID4VP 1.0 (DCQL, signed request, HAIP 1.0): show wallet_link as a QR code, then look at the id until the state is another than waiting. " +
			"The wallet is asked for name, qualification, registration number and date, issuer and the credential's id. Its answer is stored nowhere; the result is kept for five minutes, encrypted so that only the id opens it.",
		MaxBodyBytes: maxQuestion, Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests}, Middlewares: huma.Middlewares{s.limit},
	}
}

func (s *service) lookOperation() huma.Operation {
	return huma.Operation{
		OperationID: "lookAtPresentation", Method: http.MethodGet, Path: presentationsPath + "/{id}", Summary: "What became of a question to a wallet",
		Description: "Ask again every few seconds while the state is waiting.", Errors: []int{http.StatusNotFound, http.StatusTooManyRequests}, Middlewares: huma.Middlewares{s.limit},
	}
}

func (s *service) ask(ctx context.Context, q *askQuestion) (*asked, error) {
	if s.Reader == nil {
		return nil, huma.Error404NotFound("Wallets cannot be asked here.")
	}
	a, err := s.Reader.Start(ctx, presentation.Question{Subject: presentation.Subject{Qualification: q.Body.Qualification}, Mode: q.Body.ResponseMode})
	switch {
	case errors.Is(err, fault.Invalid):
		return nil, huma.Error422UnprocessableEntity("There is no such qualification.")
	case errors.Is(err, presentation.NoKey):
		return nil, huma.Error404NotFound("Wallets cannot be asked here: this installation has no certificate by which they could know it.")
	case err != nil:
		return nil, s.failed(ctx, "asking a wallet", err)
	}
	return s.presentation(ctx, a.Token, http.StatusCreated)
}

func (s *service) look(ctx context.Context, q *lookQuestion) (*asked, error) {
	if s.Reader == nil {
		return nil, huma.Error404NotFound("Wallets cannot be asked here.")
	}
	return s.presentation(ctx, q.ID, http.StatusOK)
}

func (s *service) presentation(ctx context.Context, token string, status int) (*asked, error) {
	v, err := s.Reader.View(ctx, token)
	if errors.Is(err, fault.NotFound) {
		return nil, huma.Error404NotFound("There is no such question, or no more.")
	}
	if err != nil {
		return nil, s.failed(ctx, "looking at a question to a wallet", err)
	}
	out := Presentation{ID: token, State: "waiting", ExpiresAt: v.ExpiresAt, Refusal: v.Refusal, WalletLink: v.Links[presentation.There]}
	switch {
	case v.Stage != presentation.Open:
		out.State = string(v.Stage)
	case v.Expired, v.WornOut:
		out.State = "expired"
	}
	if v.Result != nil {
		r := answer(*v.Result)
		out.Result = &r
	}
	return &asked{Status: status, Body: out}, nil
}
