package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"path/filepath"
	"syscall"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/credential"
	credform "akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/qr"
	"akashi/internal/qualification"
	"akashi/internal/system"
)

// site that the credentials in memory name; nobody is asked there.
const (
	memoryPage = "https://verify.akashi.example/w/"
	memorySite = "https://verify.akashi.example"
)

// maker makes credentials in memory: the facts of one nurse, and a registrar's keys in files as the program has them.
type maker struct {
	cat    *qualification.Catalogue
	facts  credform.Facts
	keys   *signer.Signer
	issuer credform.Issuer // of the forms for wallets
	holder *ecdsa.PrivateKey
	now    time.Time
}

func newMaker(dir string) (*maker, error) {
	keys, err := signer.Open(signer.Config{Dir: filepath.Join(dir, "keys"), Clock: clock.System{}})
	if err != nil {
		return nil, err
	}
	key, err := keys.Ensure(registrar, string(credential.ForCredential))
	if err != nil {
		return nil, err
	}
	// The program has the definitions in memory, too: with next to nothing there, garbage would be collected all the time.
	cat, err := system.Definitions()
	if err != nil {
		return nil, err
	}
	ministry, ok := cat.Registrar(registrar)
	if !ok {
		return nil, fault.New(fault.NotFound, "", "looking for "+registrar)
	}
	m := &maker{cat: cat, keys: keys, now: time.Now()}
	authority, err := signer.NewCA("計測のための認証局", m.now)
	if err != nil {
		return nil, err
	}
	chain, err := authority.Issue(key, ministry.Name.EN, m.now)
	if err != nil {
		return nil, err
	}
	m.issuer = credform.Issuer{Registrar: registrar, Name: credform.Text{JA: ministry.Name.JA, EN: ministry.Name.EN},
		URI: "https://api.akashi.example/issuers/" + registrar, KID: key.KID, Public: key.Public, Chain: chain, NotBefore: key.NotBefore}
	if m.holder, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, faultIf(err, "making a wallet's key")
	}
	m.facts, err = nurse("計測　花子")
	return m, err
}

// nurse is what the credential of a nurse says.
func nurse(name string) (credform.Facts, error) {
	return credform.Read(map[string]string{
		cose.QualificationName: "看護師", cose.HolderName: name, cose.HolderBirthDate: "1990-04-01", cose.RegistrationNumber: "第1234567号", cose.RegistrationDate: "2015-05-10",
		cose.IssueDate: "2026-11-30", cose.IssuingBody: "厚生労働省", cose.IssuerName: "厚生労働大臣", cose.QualificationID: qualificationID, cose.CertificateID: "KGMH-7K2M-9QX4-RT3",
		cose.KindCode: "0029", cose.HolderCode: "0123456789ab",
	}, credform.Record{Register: register, RegisterCode: "KGMH", Registrar: registrar, Detail: credform.Detail{TitleEN: "Nurse",
		IssuerEN: "Minister of Health, Labour and Welfare", BodyEN: "Ministry of Health, Labour and Welfare"}})
}

func (m *maker) sign(toSign []byte) ([]byte, error) {
	return m.keys.For(string(credential.ForCredential))(context.Background(), m.issuer.KID, toSign)
}

// national signs a QR code in the shape of the national one, from its facts to its text.
func (m *maker) national() (string, error) {
	payload, err := cose.EncodePayload(m.facts.Labels)
	if err != nil {
		return "", err
	}
	protected, err := cose.EncodeProtected(cose.ES256)
	if err != nil {
		return "", err
	}
	toSign, err := cose.ToBeSigned(protected, payload)
	if err != nil {
		return "", err
	}
	signature, err := m.sign(toSign)
	if err != nil {
		return "", err
	}
	message, err := cose.Assemble(protected, m.issuer.KID, payload, signature)
	return cose.URL(memoryPage, message), err
}

// compact signs a compact QR code, from its facts to its text.
func (m *maker) compact() (string, error) {
	c := cose.Compact{KID: m.issuer.KID, Facts: m.facts.Labels, IssuedAt: m.now.Truncate(time.Second), Status: &cose.Place{List: 1, Index: 777}}
	toSign, err := c.EncodeCompact()
	if err != nil {
		return "", err
	}
	if c.Signature, err = m.sign(toSign); err != nil {
		return "", err
	}
	message, err := c.Message()
	if err != nil {
		return "", err
	}
	return cose.CompactURL(memoryPage, message)
}

// sdjwt signs an SD-JWT VC with its disclosures, bound to a wallet's key.
func (m *maker) sdjwt() (string, error) {
	u, err := credform.SDJWT(m.facts, m.issuer, credform.StatusRef{URI: memorySite + "/status/KGMH/1", Index: 777, RegisterCode: "KGMH", ListNo: 1},
		credform.Copy{Site: memorySite, Now: m.now, Holder: &m.holder.PublicKey})
	if err != nil {
		return "", err
	}
	signature, err := m.sign(u.ToSign)
	if err != nil {
		return "", err
	}
	return u.Assemble(signature)
}

// turn is one of several things that are measured by turns, so that whatever else the machine does hits all alike.
type turn struct {
	name  string
	do    func() error
	times int
	spent float64 // processor seconds of the process, with what collecting its garbage takes
}

// rate is how often a second of one processor does it.
func (t *turn) rate() float64 { return float64(t.times) / t.spent }

// turnTime is short against the whole, and long against one collection of garbage.
const turnTime = 100 * time.Millisecond

func takeTurns(limit time.Duration, turns ...*turn) error {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		for _, t := range turns {
			before := ownSeconds()
			for until := time.Now().Add(turnTime); time.Now().Before(until); t.times++ {
				if err := t.do(); err != nil {
					return err
				}
			}
			t.spent += ownSeconds() - before
		}
	}
	return nil
}

// ownSeconds is how long this process has computed, in user and system mode.
func ownSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return cpuSeconds(ownPID()) // coarser
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// aimPrimitive is the share of the bare signature that signing a credential reaches at least.
const aimPrimitive = 0.5

// signing measures what a credential costs beside its signature, with no database, on one core.
func signing(c Config) ([]Row, error) {
	m, err := newMaker(c.Dir)
	if err != nil {
		return nil, err
	}
	text, err := m.national()
	if err != nil {
		return nil, err
	}
	message := make([]byte, 300) // as long as what is signed of a QR code
	made := func(f func() (string, error)) func() error {
		return func() error {
			_, err := f()
			return err
		}
	}
	raw := &turn{name: "bare ECDSA P-256 signature", do: func() error {
		digest := sha256.Sum256(message)
		_, err := ecdsa.SignASN1(rand.Reader, m.holder, digest[:])
		return err
	}}
	forms := []*turn{{name: "signing a QR code", do: made(m.national)}, {name: "signing a compact QR code", do: made(m.compact)},
		{name: "signing an SD-JWT VC", do: made(m.sdjwt)}}
	drawing := &turn{name: "drawing a QR code", do: func() error {
		_, err := qr.Matrix(text, qr.Medium)
		return err
	}}
	if err := takeTurns(c.For, append([]*turn{raw, drawing}, forms...)...); err != nil {
		return nil, err
	}
	rows := []Row{plain(raw.name, raw.rate(), "/s a core", "crypto/ecdsa with SHA-256, in turns with what follows")}
	for _, f := range forms {
		rows = append(rows, plain(f.name, f.rate(), "/s a core", "from the facts to the text, in memory"),
			atLeast(f.name+" against the bare signature", f.rate()/raw.rate(), aimPrimitive, "ratio", ""))
	}
	return append(rows, plain(drawing.name, drawing.rate(), "/s a core", "its modules, error correction level M")), nil
}
