// Package application is a person's request from draft to the moment it is handed to a decision: the form filled in page
// by page, the documents, the content frozen and signed with the card's signing certificate, the questions to the
// resident and family registries, corrections, withdrawal, and the timeline that always says who acts next.
//
// An application is pinned to the version of the definition it was made under. It belongs to one register; the person is
// known to it only by the reference that this registrar has for the person. Payment and review are later stages: they
// call Paid, RequestCorrection, Propose and Decide here, and this package has never heard of them.
//
// Each act is one transaction: the row, its event for the timeline, the audit line and the follow-up job commit together.
package application

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/calendar"
	"akashi/internal/person"
	"akashi/internal/qualification"
)

// State says where an application stands.
type State string

// The states. The sentences stand in the table application_state, which a test compares with States.
const (
	Draft               State = "draft"
	Signing             State = "signing"
	AwaitingPayment     State = "awaiting_payment"
	Forwarding          State = "forwarding"
	InReview            State = "in_review"
	CorrectionRequested State = "correction_requested"
	CorrectionSigning   State = "correction_signing"
	Proposed            State = "proposed"
	Registered          State = "registered"
	Rejected            State = "rejected"
	Withdrawn           State = "withdrawn"
	Expired             State = "expired"
)

// States lists every state in the order of a case's life.
var States = []State{Draft, Signing, AwaitingPayment, Forwarding, InReview, CorrectionRequested, CorrectionSigning, Proposed, Registered, Rejected, Withdrawn, Expired}

// Moves lists the states that may follow each state. The database holds the same table and refuses every other move.
// Draft to Proposed is the way of an application that the office itself opens, such as a disciplinary measure.
var Moves = map[State][]State{
	Draft:               {Signing, Withdrawn, Expired, Proposed},
	Signing:             {Draft, AwaitingPayment, Forwarding, InReview, Withdrawn, Expired},
	AwaitingPayment:     {Forwarding, InReview, Withdrawn},
	Forwarding:          {InReview, CorrectionRequested, Withdrawn},
	InReview:            {CorrectionRequested, Proposed, Withdrawn},
	CorrectionRequested: {CorrectionSigning, Withdrawn},
	CorrectionSigning:   {CorrectionRequested, Forwarding, InReview, Withdrawn},
	Proposed:            {InReview, Registered, Rejected, Withdrawn},
}

// May tells whether an application may move from one state to another.
func May(from, to State) bool { return slices.Contains(Moves[from], to) }

// Ended tells whether nothing can follow the state.
func (s State) Ended() bool { return len(Moves[s]) == 0 }

// Submitted tells whether the content has been signed and handed in.
func (s State) Submitted() bool { return s != Draft && s != Signing && s != Expired }

// Withdrawable tells whether the applicant can still take the application back: until it is decided.
func (s State) Withdrawable() bool { return May(s, Withdrawn) }

// Editable tells whether the applicant can change answers.
func (s State) Editable() bool {
	return s == Draft || s == Signing || s == CorrectionRequested || s == CorrectionSigning
}

// Origin says through which door an application came in.
type Origin string

// The origins: the portal; a counter, entered by staff; the office itself, e.g. a measure; a registry's notice.
const (
	OriginCitizen Origin = "citizen"
	OriginCounter Origin = "counter"
	OriginOffice  Origin = "office"
	OriginSystem  Origin = "system"
)

// Applicant is the person at the portal: who they are to the platform and what the card said about them at login.
type Applicant struct {
	ID   uuid.UUID
	Card person.Particulars

	teller *Teller // who enters a paper for somebody without a login; see Intake
}

// Case is an application as it stands.
type Case struct {
	RegisterID        string
	ID                uuid.UUID
	PublicID          string
	RegistrarID       string
	BodyID            string // whose turn it is, when it is not the applicant's
	PersonRef         uuid.UUID
	DefinitionID      string
	DefinitionVersion string
	ProcedureID       string
	Channel           string
	Origin            Origin
	Lang              string
	State             State
	Applicant         person.Particulars // what the card said at login; the registries are asked by it
	Answers           qualification.Answers
	EntryID           *uuid.UUID
	Round             int // 0 for the first submission, n while or after answering correction n
	Revision          int
	CreatedAt         time.Time
	UpdatedAt         time.Time
	ExpiresAt         *time.Time
	SubmittedAt       *time.Time
	DecidedAt         *time.Time
	DueOn             *calendar.Date
	Route             []qualification.Route // the steps chosen when it was handed in; nil before
	Stop              int                   // place in Route at which the steps of the body whose turn it is begin
	ReceivedOn        *calendar.Date        // day on which the paper came in; nil online
}

// OnPaper tells whether the case came on paper and was entered at a counter.
func (c *Case) OnPaper() bool { return c.Origin == OriginCounter }

// filed is the moment by which the case is judged, its fees, its route and its deadline: when it was handed in; before that, noon
// of the day on which a paper came in, and now for the rest.
func (c *Case) filed(now time.Time) time.Time {
	switch {
	case c.SubmittedAt != nil:
		return *c.SubmittedAt
	case c.ReceivedOn != nil && calendar.Of(now) != *c.ReceivedOn:
		return c.ReceivedOn.Time().Add(12 * time.Hour)
	}
	return now
}

// Definition returns the version of the definition that the case is pinned to.
func (c *Case) Definition(cat *qualification.Catalogue) (*qualification.Definition, error) {
	d, ok := cat.Version(c.DefinitionID, c.DefinitionVersion)
	if !ok {
		return nil, fmt.Errorf("case %s is pinned to %s %s, which is not loaded", c.PublicID, c.DefinitionID, c.DefinitionVersion)
	}
	return d, nil
}

// Document is what the applicant signs: the whole content of one submission. It is serialised as RFC 8785 JSON, stored
// verbatim, and the check page is drawn from those bytes and from nothing else.
type Document struct {
	Format      string            `json:"format"` // "akashi-application/1"
	Application string            `json:"application"`
	Round       int               `json:"round"`
	Definition  DocumentVersion   `json:"definition"`
	Procedure   string            `json:"procedure"`
	Register    string            `json:"register"`
	Registrar   string            `json:"registrar"`
	Language    string            `json:"language"`
	Declaration string            `json:"declaration"`
	Answers     map[string]string `json:"answers"`
	Documents   []DocumentUpload  `json:"documents"`
	FeeLines    []DocumentFee     `json:"fee_lines"`
	Total       int64             `json:"total_yen"`
	FrozenAt    string            `json:"frozen_at"`        // RFC 3339, JST
	Origin      Origin            `json:"origin,omitempty"` // "counter", or absent
	Paper       *DocumentPaper    `json:"paper,omitempty"`  // of a round that came on paper
}

// DocumentFormat is the value of Document.Format.
const DocumentFormat = "akashi-application/1"

// DocumentVersion names the definition that gave the form.
type DocumentVersion struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// DocumentPaper says of a round that came on paper who has entered it and what they saw.
type DocumentPaper struct {
	Body        string            `json:"body"`
	Staff       string            `json:"staff"`        // id of the account
	StaffNumber string            `json:"staff_number"` // by which the staff's login knows them
	ReceivedOn  string            `json:"received_on"`
	Signature   string            `json:"signature"` // SignedOnPaper
	Record      map[string]string `json:"record"`    // values of the receipt; see ReceiptForm
}

// SignedOnPaper is the value of DocumentPaper.Signature: the paper bears the applicant's signature or name and seal, which staff
// have seen. Nothing else was signed.
const SignedOnPaper = "seen_on_paper"

// DocumentUpload names one document by its content.
type DocumentUpload struct {
	Evidence string `json:"evidence"`
	Name     string `json:"name"`
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size"`
}

// DocumentFee is one amount to be paid.
type DocumentFee struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Collector string `json:"collector"`
	Amount    int64  `json:"amount_yen"`
}

// ParseDocument reads stored bytes back.
func ParseDocument(b []byte) (*Document, error) {
	var d Document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("reading a signed document: %w", err)
	}
	if d.Format != DocumentFormat {
		return nil, fmt.Errorf("reading a signed document: format %q is not %s", d.Format, DocumentFormat)
	}
	return &d, nil
}

// Signer is the holder of the signing certificate, as the certificate says (公的個人認証の署名用電子証明書, its 基本4情報).
type Signer struct {
	Name      string        `json:"name"`
	NameAlt   string        `json:"name_alt"` // "1" at each position where a substitute character stands
	BirthDate calendar.Date `json:"birth_date"`
	Sex       string        `json:"sex"`
	Address   string        `json:"address"`
	Serial    string        `json:"serial"`
	Issuer    string        `json:"issuer"`
	NotAfter  time.Time     `json:"not_after"`
}

// Signed is the outcome of a verification: who signed, and the evidence to keep.
type Signed struct {
	Signer Signer
	CMS    []byte // detached SignedData without signed attributes (RFC 5652)
}

// VerifySignature checks a card's signature over content strictly, at a time. The wiring passes in the verifier with the
// configured trust anchors and revocation lists.
type VerifySignature func(content, signature, certificate []byte, at time.Time) (Signed, error)

// Upload is one document handed in.
type Upload struct {
	ID         uuid.UUID
	EvidenceID string
	Round      int
	SHA256     string
	Size       int64
	Media      string
	Name       string
	UploadedAt time.Time
}

// Submission is one signed round.
type Submission struct {
	Round       int
	Bytes       []byte
	Digest      []byte
	CMS         []byte
	Signer      Signer
	SubmittedAt time.Time
}

// CorrectionItem is one thing to put right: a field or a document, why, in the officer's words.
type CorrectionItem struct {
	Item   string `json:"item"` // field id, or "evidence:<id>" for a document
	Reason string `json:"reason"`
	Note   string `json:"note"` // shown to the applicant
}

// Correction is one itemised request (不備訂正指示).
type Correction struct {
	Round       int
	Origin      string // staff | system
	Items       []CorrectionItem
	DueOn       calendar.Date
	RequestedAt time.Time
	AnsweredAt  *time.Time
}

// Asks tells whether the request opens the item for change.
func (c *Correction) Asks(item string) bool {
	return c != nil && slices.ContainsFunc(c.Items, func(i CorrectionItem) bool { return i.Item == item })
}

// draftLife is how long an untouched draft is kept; the portal shows the date.
const draftLife = 30 * 24 * time.Hour

// expiryMoves is how often the end of a draft that is worked on is moved on: the date is in an index, which would have to
// be written with every page of the form otherwise.
const expiryMoves = 24 * time.Hour

// correctionDays is how many business days an applicant has to answer a correction request unless the officer says
// otherwise. The law gives no number for this; registrars set it.
const correctionDays = 10
