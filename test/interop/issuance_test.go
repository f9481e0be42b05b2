package interop

import (
	"akashi/internal/format/formattest"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"akashi/internal/api"
	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/credential/form"
	"akashi/internal/issuance"
	"akashi/internal/payment"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
	"akashi/internal/qualification"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	apiOrigin = "https://api.example"
	wallet    = "https://wallet.example"
	callback  = "https://wallet.example/cb"
)

// issuing is an issuer over a world with one credential, and the holder who answers what wallets ask.
type issuing struct {
	*casetest.World
	holder *issuance.Holder
	at     string
}

func newIssuing(t *testing.T, providers ...*x509.Certificate) *issuing {
	t.Helper()
	w := casetest.New(t)
	w.Registered(t)
	forms := issuance.WalletForms("https://check.example")
	known := issuance.Wallets{wallet: {ID: wallet, Name: qualification.Text{JA: "試験", EN: "Test", Easy: "ためし"}, Redirects: []string{callback}}}
	s := &issuing{World: w, holder: &issuance.Holder{DB: w.DB.As(pg.RoleCitizen), Catalogue: w.Catalogue, RefKey: w.RefKey, Forms: forms, Wallets: known, Base: apiOrigin + "/issuers"}}
	h, err := api.New(api.Config{Origin: apiOrigin, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Verifier: w.Verifier, Receiver: w.Receiver, Relying: w.Relying, WebhookKeyID: "hook-1", WebhookKey: w.SigningKey(),
		Prove: func(context.Context, []byte, http.Header) (payment.Event, error) { return payment.Event{}, nil },
		Wallets: &issuance.Server{DB: w.DB.As(pg.RoleIssuance), Catalogue: w.Catalogue, Issuer: w.Issuer, Forms: forms, Wallets: known,
			Nonces: issuance.NewNonces(w.RefKey), Base: apiOrigin + "/issuers", Authorize: "https://portal.example/wallet/authorize", Providers: providers}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("GET /consent", func(w http.ResponseWriter, r *http.Request) { s.consent(t, w, r) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.at = server.URL
	return s
}

func (s *issuing) subject(t *testing.T) issuance.Subject {
	t.Helper()
	held, err := s.Wallet.List(t.Context(), s.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatalf("%d holdings, error %v", len(held), err)
	}
	return issuance.Subject{RegisterID: held[0].Entry.RegisterID, Entry: held[0].Entry.ID}
}

// consent is what the holder's browser does: it opens the page, the holder agrees, and it is led back.
func (s *issuing) consent(t *testing.T, w http.ResponseWriter, r *http.Request) {
	u, err := url.Parse(r.URL.Query().Get("address"))
	if err != nil || !strings.HasPrefix(u.String(), "https://portal.example/wallet/authorize?") || len(u.Query()) != 2 {
		t.Errorf("the holder was sent to %s, error %v", u, err)
		return
	}
	q, err := s.holder.Asked(r.Context(), u.Query().Get("client_id"), u.Query().Get("request_uri"))
	if err != nil {
		t.Errorf("reading the request: %v", err)
		return
	}
	to, err := s.holder.Agree(r.Context(), s.Nurse, q, s.subject(t))
	if err != nil {
		t.Errorf("agreeing: %v", err)
		return
	}
	fmt.Fprint(w, to)
}

// fetching is one case for the wallet.
type fetching struct {
	Name          string `json:"name"`
	At            string `json:"at"`
	Origin        string `json:"origin"`
	Issuer        string `json:"issuer"`
	Link          string `json:"link,omitempty"`
	TxCode        string `json:"txCode,omitempty"`
	Client        string `json:"client,omitempty"`
	Redirect      string `json:"redirect,omitempty"`
	Configuration string `json:"configuration"`
	Copies        int    `json:"copies"`
	Anchor        string `json:"anchor"`
	Now           int64  `json:"now,omitempty"`
	// Provider is the one of the wallet: its private key as a JWK, and its certificates.
	Provider map[string]any `json:"provider,omitempty"`
}

// TestAnotherWallet: an independent wallet fetches credentials in every form, from an offer and by asking the holder; its
// clock is days behind the world's, so that it needs the issuer's DPoP nonces. A wrong transaction code and a second use of an
// offer are refused to it.
func TestAnotherWallet(t *testing.T) {
	t.Parallel()
	s := newIssuing(t)
	var cases []fetching
	add := func(name, txCode, form string, copies int) fetching {
		m, err := s.holder.Offer(t.Context(), s.Nurse, s.subject(t))
		if err != nil {
			t.Fatal(err)
		}
		if txCode == "" {
			txCode = m.TxCode
		}
		c := fetching{Name: name, At: s.at, Origin: apiOrigin, Issuer: apiOrigin + "/issuers/mhlw", Link: s.holder.Link(*m), TxCode: txCode, Configuration: "kangoshi.mhlw." + form, Copies: copies,
			Anchor: pemOf(casetest.Anchor(t))}
		cases = append(cases, c)
		return c
	}
	for _, f := range issuance.WalletForms("https://check.example") {
		add(string(f.Form), "", string(f.Form), 3)
	}
	again := add("once", "", "sdjwt", 1)
	again.Name = "refused: twice"
	cases = append(cases, again)
	add("refused: code", "12345x", "sdjwt", 1)
	add("refused: unknown", "", "ldp", 1)
	add("refused: metadata", "", "sdjwt", 1)
	cases[len(cases)-1].Anchor = documentSigner(t).anchor
	cases = append(cases, fetching{Name: "asked", At: s.at, Origin: apiOrigin, Issuer: apiOrigin + "/issuers/mhlw", Client: wallet, Redirect: callback, Configuration: "kangoshi.mhlw.sdjwt", Copies: 2,
		Anchor: pemOf(casetest.Anchor(t))})
	for i, a := range node(t, "openid4vci", cases) {
		refused := strings.HasPrefix(a.Name, "refused")
		if (a.Refused != "") != refused {
			t.Errorf("%s: %s %.200s", a.Name, a.Refused, a.Answer)
			continue
		}
		var got struct {
			Credentials []string
			Signed      string
		}
		if !refused {
			if err := json.Unmarshal(a.Answer, &got); err != nil || len(got.Credentials) != cases[i].Copies || got.Signed != cases[i].Issuer {
				t.Errorf("%s: %d credentials of %q, error %v", a.Name, len(got.Credentials), got.Signed, err)
			}
		}
		if a.Name == string(credential.MDoc) {
			s.documents(t, got.Credentials)
		}
	}
	var told int
	if err := s.DB.Superuser().QueryRow(t.Context(), `select count(*) from issuance_response where event = 'credential_accepted'`).Scan(&told); err != nil || told != len(issuance.WalletForms(""))+2 {
		t.Errorf("%d answers were accepted, error %v", told, err)
	}
}

// documents sees that both other programs read the mobile documents that the wallet was given.
func (s *issuing) documents(t *testing.T, texts []string) {
	t.Helper()
	var cases []mdocCase
	for _, text := range texts {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, mdocCase{Name: "fetched", Type: form.DocType, Anchor: pemOf(casetest.Anchor(t)), Now: s.Clock.Now().Unix(), Issued: raw})
	}
	for _, module := range []string{"mdl", "owf"} {
		for _, a := range node(t, module, cases) {
			var read map[string]any
			if err := json.Unmarshal(a.Answer, &read); err != nil || a.Refused != "" || read["name"] != "見本　花子" {
				t.Errorf("%s: %s %s, %v", module, a.Refused, a.Answer, err)
			}
		}
	}
}

// TestAnotherAttestedWallet: an independent wallet shows its provider's word for it and for its keys, where providers are known, from an
// offer and by asking; without that, or with that of a stranger, nothing is issued to it.
func TestAnotherAttestedWallet(t *testing.T) {
	t.Parallel()
	known, anchor := walletProvider(t)
	s := newIssuing(t, anchor)
	stranger, _ := walletProvider(t)
	base := fetching{At: s.at, Origin: apiOrigin, Issuer: apiOrigin + "/issuers/mhlw", Client: wallet, Configuration: "kangoshi.mhlw.sdjwt", Copies: 2, Anchor: pemOf(casetest.Anchor(t)),
		Now: s.Clock.Now().Unix(), Provider: known}
	var cases []fetching
	for name, p := range map[string]map[string]any{"offered": known, "refused: by a stranger": stranger, "refused: by nobody": nil} {
		m, err := s.holder.Offer(t.Context(), s.Nurse, s.subject(t))
		if err != nil {
			t.Fatal(err)
		}
		c := base
		c.Name, c.Link, c.TxCode, c.Provider = name, s.holder.Link(*m), m.TxCode, p
		cases = append(cases, c)
	}
	asked := base
	asked.Name, asked.Redirect = "asked", callback
	cases = append(cases, asked)
	for i, a := range node(t, "openid4vci", cases) {
		if refused := strings.HasPrefix(a.Name, "refused"); (a.Refused != "") != refused {
			t.Errorf("%s: %s %.200s", a.Name, a.Refused, a.Answer)
			continue
		} else if refused {
			continue
		}
		var got struct{ Credentials []string }
		if err := json.Unmarshal(a.Answer, &got); err != nil || len(got.Credentials) != cases[i].Copies {
			t.Errorf("%s: %s, error %v", a.Name, a.Answer, err)
		}
	}
}

// walletProvider is a provider of wallets, as a case has it, and the authority above it.
func walletProvider(t *testing.T) (map[string]any, *x509.Certificate) {
	t.Helper()
	key, top := formattest.Key(t), formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	from, to := casetest.Start().AddDate(0, -1, 0), casetest.Start().AddDate(1, 0, 0)
	above := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Providers"}, NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Provider"}, NotBefore: from, NotAfter: to, KeyUsage: x509.KeyUsageDigitalSignature}
	anchor := formattest.Must[*x509.Certificate](t)(x509.ParseCertificate(formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, above, above, &top.PublicKey, top))))
	der := formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, leaf, anchor, &key.PublicKey, top))
	return map[string]any{"key": privateJWK(t, key), "x5c": []string{base64.StdEncoding.EncodeToString(der)}}, anchor
}
