package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"akashi/internal/connector/signer"
	"akashi/internal/credential"
	credform "akashi/internal/credential/form"
	"akashi/internal/credential/paper"
	"akashi/internal/fault"
	"akashi/internal/format/pades"
	"akashi/internal/typeface"
)

// Aims of signed PDFs, without a timestamp from the network.
const (
	aimPapers       = 300.0 // a second on two cores
	aimPapersMemory = 300.0 // megabytes of the process that makes them
)

// papers measures the making of signed PDFs in a process of their own, since its memory is to be known.
func papers(ctx context.Context, c Config) (rows []Row, err error) {
	fmt.Fprintf(c.Out, "making PDFs for %s\n", c.For)
	cmd := exec.CommandContext(ctx, c.Program, "bench", "papers", "--seconds="+strconv.Itoa(int(c.For.Seconds())))
	cmd.Stderr = c.Out
	out, err := cmd.Output()
	if err != nil {
		return nil, faultIf(err, "making PDFs in another process")
	}
	return rows, faultIf(json.Unmarshal(out, &rows), "reading what was measured of PDFs")
}

// RunPapers is the process that makes PDFs: it writes its rows as one JSON list.
func RunPapers(ctx context.Context, limit time.Duration, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "akashi-bench-")
	if err != nil {
		return faultIf(err, "making a directory")
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p, err := newPress(dir)
	if err != nil {
		return err
	}
	var n atomic.Int64
	var size atomic.Int64
	round := func(most time.Duration) error {
		end := time.Now().Add(most)
		g, ctx := errgroup.WithContext(ctx)
		for range runtime.GOMAXPROCS(0) {
			g.Go(func() error {
				for time.Now().Before(end) {
					file, err := p.signed(ctx, int(n.Add(1)))
					if err != nil {
						return err
					}
					size.Store(int64(len(file)))
				}
				return nil
			})
		}
		return g.Wait()
	}
	if err := round(limit / 5); err != nil { // until the plate of the certificate and its fonts are there
		return err
	}
	n.Store(0)
	began, before := time.Now(), ownSeconds()
	if err := round(limit); err != nil {
		return err
	}
	took, spent := time.Since(began).Seconds(), ownSeconds()-before
	made := float64(n.Load())
	return faultIf(json.NewEncoder(out).Encode([]Row{
		atLeast("signed PDFs", made/took, aimPapers, "/s", fmt.Sprintf("%d workers, each with another name, %d KB, no timestamp", runtime.GOMAXPROCS(0), size.Load()/1000)),
		plain("processor time of a signed PDF", spent/made*1000, "ms", ""),
		below("memory of making PDFs", peakMemory(os.Getpid()), aimPapersMemory, "MB", "most at once, resident (VmHWM)"),
	}), "writing what was measured of PDFs")
}

// press makes signed PDFs as the job credential.document does, without its database.
type press struct {
	*maker
	printer *paper.Printer
	key     signer.Key
	text    string // of the QR code
}

func newPress(dir string) (*press, error) {
	m, err := newMaker(dir)
	if err != nil {
		return nil, err
	}
	p := &press{maker: m}
	if p.text, err = m.national(); err != nil {
		return nil, err
	}
	if p.key, err = m.keys.Ensure(registrar, string(credential.ForDocument)); err != nil {
		return nil, err
	}
	authority, err := signer.NewCA("計測のための認証局", m.now)
	if err != nil {
		return nil, err
	}
	if p.key.Chain, err = authority.Issue(p.key, "Ministry of Health, Labour and Welfare", m.now); err != nil {
		return nil, err
	}
	shelf, err := typeface.Open("")
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "looking for fonts")
	}
	text, names, err := shelf.Families()
	if err != nil {
		return nil, err
	}
	p.printer = paper.New(text, names)
	return p, nil
}

// signed makes the n-th: with a name and a QR code of its own, as no two have the same.
func (p *press) signed(ctx context.Context, n int) ([]byte, error) {
	facts, err := nurse(applicant(n % 100_000).Name)
	if err != nil {
		return nil, err
	}
	text := p.text[:len(p.text)-8] + fmt.Sprintf("%08d", n)
	unsigned, err := p.printer.Print(paper.Paper{Facts: facts, Words: paper.Words{Register: credform.Text{JA: "看護師籍", EN: "register of nurses"},
		Certificate: credform.Text{JA: "免許証", EN: "licence"}, Basis: credform.Text{JA: "保健師助産師看護師法（昭和23年法律第203号）",
			EN: "Act on Public Health Nurses, Midwives and Nurses (Act No. 203 of 1948)"}},
		Signer: "厚生労働省", QR: text, Check: memorySite + "/", Made: p.now})
	if err != nil {
		return nil, err
	}
	prepared, err := pades.Prepare(unsigned, pades.Options{Chain: p.key.Chain, At: p.now, Name: "厚生労働省", Reason: "デジタル資格者証", Credential: text})
	if err != nil {
		return nil, err
	}
	signature, err := p.keys.For(string(credential.ForDocument))(ctx, p.key.KID, prepared.ToSign)
	if err != nil {
		return nil, err
	}
	return (&credential.Sealer{}).Seal(ctx, prepared, signature)
}
