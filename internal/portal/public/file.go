package public

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"

	"akashi/internal/fault"
	"akashi/internal/format/pades"
	"akashi/internal/format/qr"
	"akashi/internal/verification"
)

// accepted is what the browser offers to choose from. What a file is, its content decides.
const accepted = "application/pdf,image/png,image/jpeg,text/plain,.jwt,.sdjwt,.mdoc,.cbor"

// maxText bounds a file that is read as text: the largest credential for wallets is far smaller.
const maxText = 64 << 10

// fileKind is what a file is by its content; names and media types are what somebody calls it.
type fileKind int

const (
	unknownFile fileKind = iota
	pictureFile
	pdfFile
	textFile
	mdocFile
	messageFile
)

func kindOf(file []byte) fileKind {
	switch {
	case bytes.HasPrefix(file, []byte("%PDF-")):
		return pdfFile
	case bytes.HasPrefix(file, []byte("\x89PNG")), bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		return pictureFile
	case len(file) > maxText:
		return unknownFile
	case verification.IsMDoc(file):
		return mdocFile
	case verification.IsQRMessage(file):
		return messageFile
	case utf8.Valid(file) && !bytes.ContainsRune(file, 0):
		return textFile
	}
	return unknownFile
}

// verifyFile checks a file: a signed PDF, a picture with a QR code in it, or a credential for wallets.
func (p *portal) verifyFile(w http.ResponseWriter, r *http.Request) error {
	file, err := uploaded(r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return p.refuse(w, r, inputFile, "qr.file_too_large", "")
	case err != nil:
		return err
	case len(file) == 0:
		return p.refuse(w, r, inputFile, "file.none", "")
	}
	if kindOf(file) == pictureFile {
		text, err := p.decode(r, file)
		var why *fault.Error
		if errors.As(err, &why) && why.Key != "" {
			return p.refuse(w, r, inputFile, why.Key, "")
		}
		if err != nil {
			return err
		}
		return p.answer(w, r, text)
	}
	return p.answerFile(w, r, file)
}

// answerFile is answer for any file but a picture.
func (p *portal) answerFile(w http.ResponseWriter, r *http.Request, file []byte) error {
	result, text, err := p.lookFile(r, file)
	if err != nil {
		return err
	}
	if result.Verdict == verification.Unreadable {
		return p.refuse(w, r, inputFile, unreadableKey(result, "file.unknown"), "")
	}
	view := resultView{Code: text}
	if text == "" {
		if view.Sealed, err = p.seal.close(result); err != nil {
			return err
		}
	}
	return p.draw(w, r, result, view)
}

// lookFile checks any file but a picture. The text is what was checked where it can be checked again as text, "" of a PDF.
func (p *portal) lookFile(r *http.Request, file []byte) (result verification.Result, text string, err error) {
	switch kindOf(file) {
	case pdfFile:
		result, err = p.lookPDF(r, file)
		return result, "", err
	case textFile:
		text = strings.TrimSpace(string(file))
	case mdocFile:
		text = verification.MDocText(file)
	case messageFile:
		text = verification.QRMessageText(file)
	default:
		return verification.Result{Verdict: verification.Unreadable, CheckedAt: p.Verifier.DB.Clock.Now()}, "", nil
	}
	return p.look(r, text), text, nil
}

// lookPDF is look for a PDF, of which only a few are read at once, as of pictures.
func (p *portal) lookPDF(r *http.Request, file []byte) (verification.Result, error) {
	free, err := p.turn(r)
	if err != nil {
		return verification.Result{}, err
	}
	defer free()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	return p.Verifier.CheckPDF(ctx, file), nil
}

// uploaded reads the uploaded file into memory and nowhere else. A form without one gives none.
func uploaded(r *http.Request) ([]byte, error) {
	broken := fault.New(fault.Invalid, "", "reading an uploaded file")
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, broken
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, tooLargeOr(err, broken)
		case part.FormName() == inputFile:
			return contents(part, broken)
		}
	}
}

func contents(part *multipart.Part, broken error) ([]byte, error) {
	var file bytes.Buffer
	if _, err := file.ReadFrom(part); err != nil {
		return nil, tooLargeOr(err, broken)
	}
	return file.Bytes(), nil
}

// decode reads the QR code in a picture.
func (p *portal) decode(r *http.Request, file []byte) (string, error) {
	free, err := p.turn(r)
	if err != nil {
		return "", err
	}
	defer free()
	return qr.Decode(file)
}

// turn waits until a file may be read: a picture takes a core for a second, so only a few are read at once. Whoever hangs up
// while waiting is gone.
func (p *portal) turn(r *http.Request) (free func(), err error) {
	select {
	case p.reading <- struct{}{}:
		return func() { <-p.reading }, nil
	case <-r.Context().Done():
		return nil, fault.Wrap(fault.TooMany, r.Context().Err(), "waiting to read a file")
	}
}

// reasons are why a file is refused, or is not valid as a document. Each has a wording, "reason." and its name.
func reasons() []string {
	all := []string{verification.NotRecorded, verification.NoCredential, verification.SeveralDocuments}
	for _, r := range pades.Reasons() {
		all = append(all, string(r))
	}
	return all
}
