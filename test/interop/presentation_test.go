package interop

import (
	"akashi/internal/format/formattest"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"akashi/internal/api"
	"akashi/internal/casetest"
	"akashi/internal/format/mdoc"
	format "akashi/internal/format/sdjwt"
	"akashi/internal/payment"
	"akashi/internal/presentation"
)

// asking is the API of a world with a credential, which asks wallets.
type asking struct {
	*casetest.World
	reader *presentation.Reader
	anchor string // PEM, above the verifier's certificate
	at     string
}

// newAsking lets the verifier name itself by its certificate's hash, or by the host of the API.
func newAsking(t *testing.T, byName bool) *asking {
	t.Helper()
	w := casetest.New(t)
	w.Registered(t)
	s := &asking{World: w}
	anchor := casetest.Anchor(t)
	if byName {
		s.reader, anchor = w.AskingByName(t, api.AnswerURL(apiOrigin), "https://check.example/wallet/result", "api.example")
	} else {
		s.reader = w.Asking(t, api.AnswerURL(apiOrigin), "https://check.example/wallet/result")
	}
	s.anchor = pemOf(anchor)
	h, err := api.New(api.Config{Origin: apiOrigin, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Verifier: w.Verifier, Receiver: w.Receiver, Relying: w.Relying,
		WebhookKeyID: "hook-1", WebhookKey: w.SigningKey(), Reader: s.reader,
		Prove: func(context.Context, []byte, http.Header) (payment.Event, error) { return payment.Event{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s.at = server.URL
	return s
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// answering is one case for the wallet.
type answering struct {
	Name     string         `json:"name"`
	At       string         `json:"at"`
	Origin   string         `json:"origin"`
	Anchor   string         `json:"anchor"`
	Link     string         `json:"link"`
	Format   string         `json:"format"`
	Key      map[string]any `json:"key"`
	SDJWT    string         `json:"sdjwt"`
	MDoc     string         `json:"mdoc"`
	Now      int64          `json:"now"`
	Nonce    string         `json:"nonce,omitempty"`    // to which the answer is bound instead
	Audience string         `json:"audience,omitempty"` // likewise
	OtherKey map[string]any `json:"otherKey,omitempty"` // to which the answer is encrypted instead
	token    string
	want     string // the refusal, "" when it is taken
}

// TestAnotherWalletAnswers: a wallet that is not ours reads our signed requests and their queries, and answers them in both
// formats and both response modes, to a verifier that is known by its certificate's hash and to one that is known by name. What it
// binds to something else is refused, and it answers no request of a stranger or of another client than the link's.
func TestAnotherWalletAnswers(t *testing.T) {
	t.Parallel()
	for _, byName := range []bool{false, true} {
		t.Run(map[bool]string{false: "x509_hash", true: "x509_san_dns"}[byName], func(t *testing.T) {
			t.Parallel()
			s := newAsking(t, byName)
			cases := s.answers(t)
			for i, a := range node(t, "openid4vp", cases) {
				s.compare(t, cases[i], a, byName)
			}
		})
	}
}

// answers are the cases: each has a question of its own.
func (s *asking) answers(t *testing.T) []answering {
	t.Helper()
	key, stranger := formattest.Key(t), formattest.Key(t)
	sd, md := s.SDJWT(t, &key.PublicKey), base64.RawURLEncoding.EncodeToString(s.MDoc(t, &key.PublicKey))
	private := privateJWK(t, key)
	private["alg"] = "ES256"
	var cases []answering
	add := func(name, form, mode, want string, change func(*answering)) {
		asked, err := s.reader.Start(t.Context(), presentation.Question{Mode: mode, Subject: presentation.Subject{Qualification: "kangoshi"}})
		if err != nil {
			t.Fatal(err)
		}
		view, err := s.reader.View(t.Context(), asked.Token)
		if err != nil {
			t.Fatal(err)
		}
		c := answering{Name: name + ", " + form + ", " + mode, At: s.at, Origin: apiOrigin, Anchor: s.anchor, Link: view.Links[presentation.There], Format: form, Key: private,
			SDJWT: sd, MDoc: md, Now: s.Clock.Now().Unix(), token: asked.Token, want: want}
		if change != nil {
			change(&c)
		}
		cases = append(cases, c)
	}
	for _, form := range []string{presentation.FormatSDJWT, presentation.FormatMDoc} {
		wrongNonce, wrongAudience := string(format.WrongNonce), string(format.WrongAudience)
		if form == presentation.FormatMDoc {
			wrongNonce, wrongAudience = string(mdoc.BadDeviceSignature), string(mdoc.BadDeviceSignature)
		}
		add("taken", form, presentation.Encrypted, "", nil)
		add("taken", form, presentation.Plain, "", nil)
		add("another nonce", form, presentation.Encrypted, wrongNonce, func(c *answering) { c.Nonce = "another" })
		add("another verifier", form, presentation.Encrypted, wrongAudience, func(c *answering) { c.Audience = "x509_san_dns:another.example" })
		add("another key of the answer", form, presentation.Encrypted, string(presentation.BadEncryption), func(c *answering) { c.OtherKey = jwk(t, stranger) })
	}
	add("a stranger's request", presentation.FormatSDJWT, presentation.Encrypted, "verification of jwt", func(c *answering) {
		block, _ := pem.Decode([]byte(documentSigner(t).anchor))
		c.Anchor = string(pem.EncodeToMemory(block))
	})
	add("another client than the link's", presentation.FormatSDJWT, presentation.Encrypted, "client_id", func(c *answering) {
		c.Link = strings.Replace(c.Link, "client_id=x509_", "client_id=x509_hash%3AAAAA%26x509_", 1)
	})
	return cases
}

// compare sees that an answer was taken and became the result, or was refused for its reason and became none.
func (s *asking) compare(t *testing.T, c answering, a answer, byName bool) {
	t.Helper()
	view, err := s.reader.View(t.Context(), c.token)
	if err != nil {
		t.Fatal(err)
	}
	if c.want != "" {
		if !strings.Contains(a.Refused, c.want) || view.Stage != presentation.Open || view.Result != nil {
			t.Errorf("%s: refused %q, want %q; then %+v", c.Name, a.Refused, c.want, view)
		}
		return
	}
	var said struct {
		Version            int
		Client, Identifier string
		Encrypted          bool
	}
	if a.Refused != "" || json.Unmarshal(a.Answer, &said) != nil {
		t.Errorf("%s: %s %s", c.Name, a.Refused, a.Answer)
		return
	}
	prefix := map[bool]string{false: "x509_hash", true: "x509_san_dns"}[byName]
	if said.Version != 100 || said.Client != prefix || byName && said.Identifier != "api.example" || said.Encrypted != strings.HasSuffix(c.Name, presentation.Encrypted) {
		t.Errorf("%s: it understood %s", c.Name, a.Answer)
	}
	if view.Stage != presentation.Answered || view.Result == nil || view.Result.Verdict != "valid" || view.Result.Facts["UN"] != "見本　花子" {
		t.Errorf("%s: the result is %+v", c.Name, view)
	}
}
