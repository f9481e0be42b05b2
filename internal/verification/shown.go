package verification

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"time"

	"akashi/internal/credential"
	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/mdoc"
	"akashi/internal/format/sdjwt"
)

// Shown is a credential that a wallet showed in a session: what it is, the claims that came, and the three checks. Claims are
// the issuer's only when Result.Proven.
type Shown struct {
	Type   string         // vct or document type
	Claims map[string]any // of a mobile document: by name space, then by element
	Result Result
}

// Proven tells whether the content is the issuer's, whatever its status.
func (r Result) Proven() bool { return r.Untampered == Yes && r.Issuer == Yes }

const (
	// answerAge is how old a holder's answer may be: a question lasts five minutes.
	answerAge = 6 * time.Minute
	// clockSkew is how much a wallet's clock may differ from ours.
	clockSkew = time.Minute
)

// errNoAnswer is when the register could not be asked: nothing is known then, and the wallet may try again.
func errNoAnswer() error {
	return fault.New(fault.Upstream, "", "asking the register about a credential")
}

// ShownSDJWT verifies an SD-JWT VC with the holder's answer to a question. An error of kind invalid, with a reason of package
// sdjwt or jws, says that it is none, that its time has passed or that the holder has not answered this question; of kind
// upstream, that it could not be told. Everything else is in the result: when the issuer cannot be proven, the holder's answer
// proves nothing, either, and is not looked at.
func (v *Verifier) ShownSDJWT(ctx context.Context, text, nonce, audience string) (Shown, error) {
	now := v.DB.Clock.Now()
	r := Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: now}
	var copied *placed
	policy := sdjwt.Policy{Now: now, Skew: clockSkew, Key: func(h jws.Header, open map[string]any) (_ crypto.PublicKey, err error) {
		if copied, err = v.copyOf(ctx, open); err != nil {
			return nil, err
		}
		return copied.public, nil
	}}
	issuers := text[:strings.LastIndex(text, "~")+1]
	p, err := sdjwt.VerifyVC(issuers, policy)
	switch {
	case copied == nil && errors.Is(err, fault.NotFound), errors.Is(err, jws.BadSignature):
		r = v.missing(r, fault.NotFound)
		if copied != nil {
			r.Issuer, r.Verdict, r.Untampered = Unknown, Tampered, No
		}
		return Shown{Result: r}, nil
	case err != nil:
		return Shown{}, v.unclear(err)
	case copied.DistrustedAt != nil || !copied.records(signedPart(issuers)) || p.Claims["certificate_id"] != nil && p.Claims["certificate_id"] != copied.PublicID:
		return Shown{Result: v.missing(r, fault.NotFound)}, nil
	}
	policy.Binding = &sdjwt.Binding{Nonce: nonce, Audience: audience, MaxAge: answerAge}
	if p, err = sdjwt.VerifyVC(text, policy); err != nil {
		return Shown{}, v.unclear(err)
	}
	return Shown{Type: p.Type, Claims: p.Claims, Result: copied.status(r.proven(form.Labels(p.Claims)))}, nil
}

// copyOf finds the copy of a token by the place that its open claims name. A token without one is none of ours.
func (v *Verifier) copyOf(ctx context.Context, open map[string]any) (*placed, error) {
	ref, err := sdjwt.ReadStatus(open)
	if err != nil {
		return nil, err
	}
	if ref == nil {
		return nil, fault.New(fault.NotFound, "", "looking for a copy without a place")
	}
	return v.lookCopy(ctx, ref.URI, uint64(ref.Index), credential.ForCredential)
}

// unclear passes on what says something about the token, and tells the log of the rest.
func (v *Verifier) unclear(err error) error {
	if errors.Is(err, fault.Invalid) {
		return err
	}
	v.tell(err)
	return errNoAnswer()
}

// ShownMDoc verifies a device response with one document in a session, with the same kinds of error; reasons are of package
// mdoc.
func (v *Verifier) ShownMDoc(ctx context.Context, response []byte, session mdoc.Session) (Shown, error) {
	docs, err := mdoc.ParseResponse(response)
	if err != nil {
		return Shown{}, err
	}
	if len(docs) != 1 {
		return Shown{}, &fault.Error{Kind: fault.Invalid, Key: string(mdoc.NotMDoc), Doing: fmt.Sprintf("reading a response with %d documents", len(docs)), Err: mdoc.NotMDoc}
	}
	d := docs[0]
	out := Shown{Type: d.DocType, Claims: map[string]any{}, Result: v.CheckMDoc(ctx, d.Issuer)}
	for _, i := range d.Issuer.Items {
		space, _ := out.Claims[i.NameSpace].(map[string]any)
		if space == nil {
			space = map[string]any{}
			out.Claims[i.NameSpace] = space
		}
		space[i.Name] = i.Value
	}
	if !out.Result.Proven() {
		if out.Result.Verdict == CannotTell {
			return Shown{}, errNoAnswer()
		}
		return out, nil
	}
	transcript, err := session.Transcript()
	if err != nil {
		return Shown{}, err
	}
	return out, errors.Join(d.CheckDevice(transcript), d.Issuer.CheckTime(out.Result.CheckedAt))
}
