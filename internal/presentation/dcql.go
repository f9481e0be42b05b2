package presentation

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"akashi/internal/format/mdoc"
)

// Formats of credentials, as OpenID4VP names them (Appendix B.2, B.3).
const (
	FormatSDJWT = "dc+sd-jwt"
	FormatMDoc  = "mso_mdoc"
)

// Query is what a wallet is asked for, in the Digital Credentials Query Language (OpenID4VP 1.0 §6).
type Query struct {
	Credentials []CredentialQuery `json:"credentials"`
	Sets        []CredentialSet   `json:"credential_sets,omitempty"`
}

// CredentialQuery asks for one credential (§6.1). The holder's key must sign: require_cryptographic_holder_binding is true
// unless it is said otherwise, and we never say so.
type CredentialQuery struct {
	ID     string       `json:"id"`
	Format string       `json:"format"`
	Meta   Meta         `json:"meta"`
	Claims []ClaimQuery `json:"claims,omitempty"`
	// Authorities spare a wallet from showing what we would not believe. Nothing here goes by them when an answer is judged: the
	// register alone says whose credential it is.
	Authorities []Authority `json:"trusted_authorities,omitempty"`
}

// Authority are certificates of which one must stand above the issuer's key (§6.1.1).
type Authority struct {
	Type   string   `json:"type"`
	Values []string `json:"values"` // key identifiers in base64url (§6.1.1.1)
}

// keyIdentifier is the type of authorities that are named by the identifiers of their keys, the one that HAIP 1.0 §5 asks for.
const keyIdentifier = "aki"

// Authorities are the key identifiers of who certifies the issuers' keys, for each format; none: any will do.
type Authorities struct {
	SDJWT, MDoc [][]byte
}

func trusted(ids [][]byte) []Authority {
	if len(ids) == 0 {
		return nil
	}
	a := Authority{Type: keyIdentifier}
	for _, id := range ids {
		a.Values = append(a.Values, base64.RawURLEncoding.EncodeToString(id))
	}
	return []Authority{a}
}

// Meta is the kind of credential that is asked for (Appendix B.2.3, B.3.5).
type Meta struct {
	VCTs    []string `json:"vct_values,omitempty"`    // of an SD-JWT VC: one of these
	DocType string   `json:"doctype_value,omitempty"` // of a mobile document
}

// ClaimQuery asks for one claim (§6.3). Path has names, numbers for places in a list, and nil for all places of one (§7);
// of a mobile document it is the name space and the element.
type ClaimQuery struct {
	Path   []any `json:"path"`
	Values []any `json:"values,omitempty"` // one of these; empty: any
}

// CredentialSet says which combinations of credentials answer (§6.2). A set is required: we ask for nothing that we do not
// need.
type CredentialSet struct {
	Options [][]string `json:"options"`
}

// Shown is one credential as it came: what it is and what it shows.
type Shown struct {
	Query  string // id of the credential query that it answers
	Format string
	Type   string         // vct or document type
	Claims map[string]any // of a mobile document: by name space, then by element
}

// Check sees that what came is what was asked: exactly one of the permitted combinations, each credential of the kind that
// was asked for, with every claim and the values that were (§6.4, §14.6: a wallet's own selection proves nothing). More claims
// than were asked for are no reason to refuse; nobody looks at them.
func (q Query) Check(shown []Shown) error {
	if err := q.combination(shown); err != nil {
		return err
	}
	for _, s := range shown {
		at := slices.IndexFunc(q.Credentials, func(c CredentialQuery) bool { return c.ID == s.Query })
		if at < 0 {
			return refuse(NotAsked, "reading a credential that nothing asked for")
		}
		if err := q.Credentials[at].check(s); err != nil {
			return err
		}
	}
	return nil
}

// combination compares the answered queries with the permitted combinations.
func (q Query) combination(shown []Shown) error {
	answered := map[string]int{}
	for _, s := range shown {
		answered[s.Query]++
		if answered[s.Query] > 1 {
			return refuse(NotAsked, "reading two credentials for one query")
		}
	}
	if len(answered) == 0 {
		return refuse(NothingShown, "reading an answer without credentials")
	}
	sets := q.Sets
	if len(sets) == 0 {
		all := CredentialSet{Options: [][]string{nil}}
		for _, c := range q.Credentials {
			all.Options[0] = append(all.Options[0], c.ID)
		}
		sets = []CredentialSet{all}
	}
	wanted := map[string]bool{}
	for _, set := range sets {
		found := slices.IndexFunc(set.Options, func(option []string) bool {
			return !slices.ContainsFunc(option, func(id string) bool { return answered[id] == 0 })
		})
		if found < 0 {
			return refuse(NothingShown, "reading an answer without what was asked for")
		}
		for _, id := range set.Options[found] {
			wanted[id] = true
		}
	}
	for id := range answered {
		if !wanted[id] {
			return refuse(NotAsked, "reading more credentials than were asked for")
		}
	}
	return nil
}

func (c CredentialQuery) check(s Shown) error {
	switch {
	case s.Format != c.Format:
		return refuse(WrongFormat, "reading a credential of another format than was asked for")
	case c.Format == FormatSDJWT && !slices.Contains(c.Meta.VCTs, s.Type), c.Format == FormatMDoc && s.Type != c.Meta.DocType:
		return refuse(WrongType, "reading a credential of another type than was asked for")
	}
	for _, claim := range c.Claims {
		found := follow([]any{s.Claims}, claim.Path)
		if len(found) == 0 {
			return refuse(MissingClaim, "looking for a claim that was asked for")
		}
		if len(claim.Values) > 0 && !slices.ContainsFunc(found, func(v any) bool { return oneOf(v, claim.Values) }) {
			return refuse(WrongValue, "comparing a claim with the values that were asked for")
		}
	}
	return nil
}

// follow selects by a path (§7.1). What is not there selects nothing.
func follow(from []any, path []any) []any {
	for _, step := range path {
		var next []any
		for _, at := range from {
			switch step := step.(type) {
			case string:
				if object, ok := at.(map[string]any); ok {
					if v, there := object[step]; there {
						next = append(next, v)
					}
				}
			case int:
				if list, ok := at.([]any); ok && step >= 0 && step < len(list) {
					next = append(next, list[step])
				}
			case nil:
				if list, ok := at.([]any); ok {
					next = append(next, list...)
				}
			}
		}
		from = next
	}
	return from
}

// oneOf compares as §6.4.1 does: text, whole numbers and truth values, each with its own kind.
func oneOf(v any, values []any) bool {
	return slices.ContainsFunc(values, func(want any) bool { return plain(v) == plain(want) })
}

// plain is a value as it is compared.
func plain(v any) any {
	switch v := v.(type) {
	case mdoc.Date:
		return string(v)
	case int:
		return int64(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		return nil
	case string, bool, int64:
		return v
	}
	return nil
}

// Subject is what a verifier wants to know: a qualification, and which one if it matters.
type Subject struct {
	Qualification string // id; "": any
}

// Kinds are the types of credential of this installation, and where their facts stand.
type Kinds struct {
	VCTs    []string // of SD-JWT VCs, all of them
	VCT     func(qualification string) string
	DocType string
	// Facts are the claims that are asked for: the label of a result, and the path in either format. Qualification is the
	// label of the qualification's id, which is asked for with a value.
	Facts []Fact
}

// Fact is one fact in both formats.
type Fact struct {
	Label   string // as in verification.Result
	SDJWT   []any
	MDoc    []any
	Quality bool // the qualification's id: asked for when a particular one is wanted
}

// ids of the two credential queries.
const (
	askSDJWT = "sdjwt"
	askMDoc  = "mdoc"
)

// Ask writes the query for a subject: an SD-JWT VC or a mobile document, either will do.
func (k Kinds) Ask(s Subject, by Authorities) Query {
	vcts := k.VCTs
	if s.Qualification != "" {
		vcts = []string{k.VCT(s.Qualification)}
	}
	sdjwt := CredentialQuery{ID: askSDJWT, Format: FormatSDJWT, Meta: Meta{VCTs: vcts}, Authorities: trusted(by.SDJWT)}
	document := CredentialQuery{ID: askMDoc, Format: FormatMDoc, Meta: Meta{DocType: k.DocType}, Authorities: trusted(by.MDoc)}
	for _, f := range k.Facts {
		one, other := ClaimQuery{Path: f.SDJWT}, ClaimQuery{Path: f.MDoc}
		if f.Quality && s.Qualification != "" {
			one.Values, other.Values = []any{s.Qualification}, []any{s.Qualification}
		}
		sdjwt.Claims, document.Claims = append(sdjwt.Claims, one), append(document.Claims, other)
	}
	return Query{Credentials: []CredentialQuery{sdjwt, document}, Sets: []CredentialSet{{Options: [][]string{{askSDJWT}, {askMDoc}}}}}
}

// ParseQuery reads a stored query. Numbers in paths become int.
func ParseQuery(raw []byte) (q Query, err error) {
	if err := json.Unmarshal(raw, &q); err != nil {
		return q, fmt.Errorf("reading a stored query: %w", err)
	}
	for _, c := range q.Credentials {
		for _, claim := range c.Claims {
			for i, step := range claim.Path {
				if n, ok := step.(float64); ok {
					claim.Path[i] = int(n)
				}
			}
			for i, v := range claim.Values {
				if n, ok := v.(float64); ok {
					claim.Values[i] = int64(n)
				}
			}
		}
	}
	return q, nil
}
