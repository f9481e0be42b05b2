package payment

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

//go:embed page.html style.css
var files embed.FS

// Outcome is what the payer chooses to happen.
type Outcome string

// The outcomes on the page. All but Declined charge the payer.
const (
	PayNormally   Outcome = "paid"
	Decline       Outcome = "declined"
	LoseCallback  Outcome = "lost"
	SendTwice     Outcome = "twice"
	SendLate      Outcome = "late"
	SendUnordered Outcome = "out_of_order"
)

type choice struct{ Value, Label string }

type page struct {
	Order    Order
	Pay      string
	Return   string
	Declined bool
	Missing  bool
	Methods  []choice
	Outcomes []choice
}

func methods() []choice {
	return []choice{{"card", "クレジットカード"}, {"bank", "インターネットバンキング"}}
}

func outcomes() []choice {
	return []choice{
		{string(PayNormally), "支払いが完了する"},
		{string(Decline), "支払いが拒否される"},
		{string(LoseCallback), "完了するが、通知が届かない"},
		{string(SendTwice), "完了し、同じ通知が2回届く"},
		{string(SendLate), "完了し、通知が遅れて届く"},
		{string(SendUnordered), "完了し、通知の順序が入れ替わる"},
	}
}

func has(choices []choice, value string) bool {
	for _, c := range choices {
		if c.Value == value {
			return true
		}
	}
	return false
}

// yen writes an amount with separators: 9,000円.
func yen(amount int64) string {
	digits := strconv.FormatInt(amount, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String() + "円"
}

func (s *Server) showPage(w http.ResponseWriter, r *http.Request) {
	o, ok := s.byToken(r.PathValue("token"))
	if !ok {
		http.Error(w, "お支払いのページが見つかりません。", http.StatusNotFound)
		return
	}
	s.writePage(w, http.StatusOK, page{Order: o, Declined: r.URL.Query().Has("declined")})
}

// byToken returns a copy of the order as it is now.
func (s *Server) byToken(token string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.tokens[token]
	if !ok {
		return Order{}, false
	}
	s.expire(o)
	return *o, true
}

func (s *Server) writePage(w http.ResponseWriter, status int, p page) {
	p.Pay, p.Return = s.payURL(&p.Order), returnURL(p.Order)
	p.Methods, p.Outcomes = methods(), outcomes()
	t, err := template.New("page.html").Funcs(template.FuncMap{"yen": yen}).ParseFS(files, "page.html")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the page's address is a secret
	// The answer to the form is a redirect to the return address, which form-action covers too.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+origin(p.Order.ReturnURL))
	w.WriteHeader(status)
	// A payer who has gone away is no concern of the simulator's.
	_, _ = b.WriteTo(w)
}

func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "'self'"
	}
	return u.Scheme + "://" + u.Host
}

// returnURL is where the payer goes back to. It tells which order, and deliberately not how it went: a browser is no
// witness of a payment.
func returnURL(o Order) string {
	join := "?"
	if strings.Contains(o.ReturnURL, "?") {
		join = "&"
	}
	return o.ReturnURL + join + "order=" + url.QueryEscape(o.ID)
}

func (s *Server) submitPage(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	o, ok := s.byToken(r.PathValue("token"))
	if !ok {
		http.Error(w, "お支払いのページが見つかりません。", http.StatusNotFound)
		return
	}
	method, outcome := r.PostForm.Get("method"), r.PostForm.Get("outcome")
	if !has(methods(), method) || !has(outcomes(), outcome) {
		s.writePage(w, http.StatusUnprocessableEntity, page{Order: o, Missing: true})
		return
	}
	to := s.pay(o.token, method, Outcome(outcome))
	if err := s.write(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// pay does what the payer chose and returns where to go. A second submission of the same page finds the order paid and
// changes nothing.
func (s *Server) pay(token, method string, outcome Outcome) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.tokens[token]
	s.expire(o)
	if o.Status != Open {
		if o.Status == Paid {
			return returnURL(*o)
		}
		return s.payURL(o)
	}
	started := s.newEvent(o, "payment.started")
	if outcome == Decline {
		s.send(o, plan{{event: started}, {event: s.newEvent(o, "payment.declined")}})
		return s.payURL(o) + "?declined"
	}
	s.charge(o, method)
	s.send(o, s.planFor(outcome, started, s.newEvent(o, "payment.paid")))
	return returnURL(*o)
}

func (s *Server) planFor(outcome Outcome, started, paid Event) plan {
	switch outcome {
	case LoseCallback:
		return plan{{event: started}}
	case SendTwice:
		return plan{{event: started}, {event: paid}, {event: paid}}
	case SendLate:
		return plan{{event: started}, {event: paid, after: s.config.LateBy}}
	case SendUnordered:
		return plan{{event: paid}, {event: started}}
	}
	return plan{{event: started}, {event: paid}}
}

func showStyle(w http.ResponseWriter, _ *http.Request) {
	css, err := files.ReadFile("style.css")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	// A payer who has gone away is no concern of the simulator's.
	_, _ = w.Write(css)
}
