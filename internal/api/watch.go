package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"akashi/internal/calendar"
	"akashi/internal/relying"
)

const (
	watchesPath       = "/v1/watches"
	watchOne          = watchesPath + "/{id}"
	notificationsPath = "/v1/notifications"
	webhookKeysPath   = "/v1/webhook-keys"
)

// Watch is a wish to be told of changes of a credential's status.
type Watch struct {
	ID           uuid.UUID  `json:"id"`
	State        string     `json:"state" enum:"asked,granted,refused,ended" doc:"asked: the holder has not answered. Only a granted one is told of."`
	CredentialID string     `json:"credential_id" doc:"DN"`
	Ref          string     `json:"ref,omitempty"`
	Purpose      string     `json:"purpose"`
	Until        string     `json:"until" format:"date"`
	AskedAt      time.Time  `json:"asked_at"`
	DecidedAt    *time.Time `json:"decided_at,omitempty"`
	EndedAt      *time.Time `json:"ended_at,omitempty"`
}

type watchWish struct {
	Body struct {
		Credential string `json:"credential" minLength:"1" maxLength:"16384" doc:"What the QR code holds, as the holder has shown it to you."`
		Purpose    string `json:"purpose" minLength:"1" maxLength:"200" example:"採用後の資格の確認" doc:"Why. The holder reads it before agreeing."`
		Until      string `json:"until" format:"date" example:"2027-11-30" doc:"The last day, at most two years from now."`
		Ref        string `json:"ref,omitempty" maxLength:"64" doc:"Your own reference; it comes back in each notification."`
	}
}

type watchMade struct {
	Location string `header:"Location"`
	Body     watchMadeBody
}

type watchMadeBody struct {
	Watch  *Watch       `json:"watch,omitempty" doc:"Absent when the credential is not in force, which the result says."`
	Result Verification `json:"result" doc:"The credential as checked now."`
}

type watchPageOf struct {
	After uuid.UUID `query:"after" doc:"The id of the last one that you have."`
	Limit int       `query:"limit" minimum:"1" maximum:"1000" default:"500"`
}

type watchPage struct {
	Body struct {
		Watches []Watch    `json:"watches"`
		Next    *uuid.UUID `json:"next,omitempty" doc:"The after of the next page; absent on the last one."`
	}
}

type watchFound struct {
	Body Watch
}

type notificationsOf struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// Notification is a notification and how far it came.
type Notification struct {
	ID          uuid.UUID  `json:"id"`
	CreatedAt   time.Time  `json:"created_at"`
	Tries       int        `json:"tries"`
	Answered    *int       `json:"answered,omitempty" doc:"Status of your last answer; absent when there was none."`
	DeliveredAt *time.Time `json:"delivered_at,omitempty"`
	GivenUpAt   *time.Time `json:"given_up_at,omitempty"`
}

type notifications struct {
	Body struct {
		Notifications []Notification `json:"notifications" doc:"The newest first; kept for thirty days."`
	}
}

func (s *service) watchOperations(all huma.API) {
	huma.Register(all, s.forKnown(huma.Operation{OperationID: "watch", Method: http.MethodPost, Path: watchesPath, Summary: "Ask to be told of changes",
		Description: "Asks the holder to agree that you are told when the status of a credential changes. The credential must be in force or suspended, which is checked now. " +
			"The holder reads your name and purpose, may refuse, and may end it at any time. Each change is sent to your registered address as a request signed by RFC 9421.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxQuestion, Errors: []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}}), s.watch)
	huma.Register(all, s.forKnown(huma.Operation{OperationID: "watches", Method: http.MethodGet, Path: watchesPath, Summary: "Your watches"}), s.watches)
	huma.Register(all, s.forKnown(huma.Operation{OperationID: "watchState", Method: http.MethodGet, Path: watchOne, Summary: "One watch",
		Errors: []int{http.StatusNotFound}}), s.watchState)
	huma.Register(all, s.forKnown(huma.Operation{OperationID: "endWatch", Method: http.MethodDelete, Path: watchOne, Summary: "End a watch",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound, http.StatusConflict}}), s.endWatch)
	huma.Register(all, s.forKnown(huma.Operation{OperationID: "notifications", Method: http.MethodGet, Path: notificationsPath, Summary: "What was sent to you"}), s.notifications)
	huma.Register(all, huma.Operation{OperationID: "webhookKeys", Method: http.MethodGet, Path: webhookKeysPath, Summary: "The keys that sign notifications",
		Description: "JWK Set (RFC 7517). A notification is signed by RFC 9421 with ecdsa-p256-sha256 over @method, @target-uri, content-type and content-digest, and has the tag akashi-webhook.",
		Responses:   map[string]*huma.Response{"200": {Description: "The keys", Content: map[string]*huma.MediaType{"application/jwk-set+json": {Schema: &huma.Schema{Type: huma.TypeObject}}}}},
	}, s.webhookKeys)
}

func (s *service) watch(ctx context.Context, q *watchWish) (*watchMade, error) {
	until, err := calendar.ParseISO(q.Body.Until)
	if err != nil {
		return nil, huma.Error422UnprocessableEntity("until is a date, such as 2027-11-30")
	}
	w, r, err := s.Relying.Ask(ctx, clientOf(ctx), q.Body.Credential, relying.Wish{Ref: q.Body.Ref, Purpose: q.Body.Purpose, Until: until})
	if err != nil {
		return nil, s.refused(ctx, "asking for a watch", err)
	}
	made := &watchMade{}
	made.Body.Result = answer(r)
	if w == nil {
		return nil, huma.Error422UnprocessableEntity("the credential is not in force: its verdict is " + string(r.Verdict))
	}
	one := watchOf(*w)
	made.Body.Watch, made.Location = &one, watchesPath+"/"+w.ID.String()
	return made, nil
}

func watchOf(w relying.Watch) Watch {
	return Watch{ID: w.ID, State: string(w.State), CredentialID: w.PublicID, Ref: w.Ref, Purpose: w.Purpose, Until: w.Until.String(), AskedAt: w.AskedAt,
		DecidedAt: w.DecidedAt, EndedAt: w.EndedAt}
}

func (s *service) watches(ctx context.Context, q *watchPageOf) (*watchPage, error) {
	list, err := s.Relying.Watches(ctx, clientOf(ctx), q.After, q.Limit)
	if err != nil {
		return nil, s.refused(ctx, "reading watches", err)
	}
	p := &watchPage{}
	p.Body.Watches = make([]Watch, 0, len(list))
	for _, w := range list {
		p.Body.Watches = append(p.Body.Watches, watchOf(w))
	}
	if n := len(list); n > 0 && n == q.Limit {
		p.Body.Next = &list[n-1].ID
	}
	return p, nil
}

func (s *service) watchState(ctx context.Context, q *bulkRef) (*watchFound, error) {
	w, err := s.Relying.Watch(ctx, clientOf(ctx), q.ID)
	if err != nil {
		return nil, s.refused(ctx, "reading a watch", err)
	}
	return &watchFound{Body: watchOf(*w)}, nil
}

func (s *service) endWatch(ctx context.Context, q *bulkRef) (*struct{}, error) {
	if err := s.Relying.End(ctx, clientOf(ctx), q.ID); err != nil {
		return nil, s.refused(ctx, "ending a watch", err)
	}
	return nil, nil
}

func (s *service) notifications(ctx context.Context, q *notificationsOf) (*notifications, error) {
	list, err := s.Relying.Notifications(ctx, clientOf(ctx), q.Limit)
	if err != nil {
		return nil, s.refused(ctx, "reading notifications", err)
	}
	n := &notifications{}
	n.Body.Notifications = make([]Notification, 0, len(list))
	for _, one := range list {
		n.Body.Notifications = append(n.Body.Notifications, Notification(one))
	}
	return n, nil
}

func (s *service) webhookKeys(ctx context.Context, _ *struct{}) (*keysAnswer, error) {
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: s.WebhookKey, KeyID: s.WebhookKeyID, Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		return nil, s.failed(ctx, "writing the keys of notifications", err)
	}
	return &keysAnswer{Status: http.StatusOK, ContentType: "application/jwk-set+json", CacheControl: "public, max-age=300", Body: body}, nil
}
